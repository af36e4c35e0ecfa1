"""Meaning as vectors: texts that mean nearly the same have vectors that point nearly the same way."""
