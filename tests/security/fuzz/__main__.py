"""``python -m tests.security.fuzz``."""

from tests.security.fuzz.runner import main

if __name__ == "__main__":
    main()
