"""A server of the Model Context Protocol: an assistant's door to the same API that every client uses."""
