"""``python -m app.server``: gunicorn, as ``colloquy serve`` runs it."""

from .application import Application

if __name__ == "__main__":
    Application(prog="gunicorn").run()
