"""For gunicorn on the command line, in a checkout: ``gunicorn --config gunicorn.conf.py wsgi:app``."""

from app.cli.gunicorn_config import *  # noqa: F403  # gunicorn takes the names that it knows
