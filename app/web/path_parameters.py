"""Path parameters that take slashes: what openapi.yaml gives the ``format: path``."""

from __future__ import annotations

from werkzeug.routing import PathConverter


class RestOfPath(PathConverter):
    """Takes whatever is left of a path; the description, not routing, says which of it is a name.

    Werkzeug's own matches no line break after the first character and no slash in its place, so that a
    bad name had no route, and a good one could not be named.
    """

    part_isolating = False
    regex = "(?s:.+)"
