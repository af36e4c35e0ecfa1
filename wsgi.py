"""The WSGI entry point: ``gunicorn -c gunicorn.conf.py wsgi:app``."""

import os

from app import logs
from app.settings import Settings
from app.web.parts import parts_of
from app.wiring import create_app

settings = Settings.from_environment(os.environ)
logs.configure(settings.log_level)
app = create_app(settings)
parts_of(app).sweeper.start()
