"""From the wire to commands, with marshmallow."""
