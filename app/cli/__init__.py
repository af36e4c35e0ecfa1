"""The commands of ``colloquy``, one concern a module."""
