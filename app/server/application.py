"""gunicorn's application, which leaves Python's path as it is."""

from __future__ import annotations

import os

from gunicorn.app.wsgiapp import WSGIApplication


class Application(WSGIApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn puts the working folder first on the path, where somebody else's ``app`` may be found."""

    def chdir(self) -> None:
        """Go to the configured folder, by default the working folder, and leave the path alone."""
        os.chdir(self.cfg.chdir)
