"""The package of a checkout under the name that it has when installed: for the command ``colloquy``."""

from app import __path__

__all__ = ["__path__"]
