"""From the bodies of requests to the inputs of the rules: compiled JSON Schemas, then marshmallow."""
