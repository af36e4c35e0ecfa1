"""``python -m app``: the command line without an installed ``colloquy``."""

from .cli.program import main

if __name__ == "__main__":
    main()
