"""The web console in a real browser; ``make console`` runs it, in an environment of its own."""
