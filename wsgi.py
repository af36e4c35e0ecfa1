"""The WSGI entry point: ``gunicorn -c gunicorn.conf.py wsgi:app``."""

import os

from app import create_app, logs
from app.current import parts_of
from app.settings import Settings

settings = Settings.from_environment(os.environ)
logs.configure(settings.log_level)
app = create_app(settings)
parts_of(app).sweeper.start()
