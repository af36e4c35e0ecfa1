"""The bench: Colloquy beside others that do the same work. See bench/README.md."""
