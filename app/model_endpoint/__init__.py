"""Speaking to a model's OpenAI-compatible HTTP API."""
