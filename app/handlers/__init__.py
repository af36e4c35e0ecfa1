"""What the operations of ``openapi.yaml`` call: parse, call a service, answer."""
