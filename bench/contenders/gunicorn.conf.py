"""How gunicorn runs the contenders; without it, it would find Colloquy's own in the working directory."""

from bench.contenders.workers import THREADS, WORKERS

worker_class = "gthread"
workers = WORKERS
threads = THREADS
keepalive = 65
control_socket_disable = True
