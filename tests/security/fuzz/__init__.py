"""Fuzzing of the whole API from its description: ``python -m tests.security.fuzz``."""
