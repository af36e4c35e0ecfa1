"""Colloquy: a conversation store for AI applications."""
