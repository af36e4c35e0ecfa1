"""The handlers of the operations of ``openapi.yaml``: each parses, calls one rule, and answers."""
