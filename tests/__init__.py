"""The tests of Colloquy."""
