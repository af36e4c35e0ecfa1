"""Makes the client's types and methods from ``openapi.yaml``."""
