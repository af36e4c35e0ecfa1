"""The WSGI entry point of a checkout: ``gunicorn --config gunicorn.conf.py wsgi:app``."""

from app.wiring import start_app

app = start_app()
