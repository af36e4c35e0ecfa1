"""How many processes and threads each contender has, Colloquy included."""

WORKERS = 2
THREADS = 8
