"""What is used of Connexion, without what it does at each start that nothing here needs.

It imports aiohttp, the other framework that it serves, and its distribution installs it: a tenth of a second
and 10 MiB. Where aiohttp is missing it does without, so it is missing for this import. And it validates the
description for another tenth of a second: ours comes with the package, and the tests have validated it.
"""

from __future__ import annotations

import sys
from typing import Any

UNUSED = {"aiohttp", "aiohttp_jinja2"} - sys.modules.keys()
sys.modules |= dict.fromkeys(UNUSED)  # type: ignore[arg-type]  # None means that there is no such module
try:
    from connexion import FlaskApi
    from connexion.decorators.parameter import pythonic
    from connexion.exceptions import ProblemException
    from connexion.operations import OpenAPIOperation
    from connexion.resolver import Resolver
    from connexion.spec import OpenAPISpecification
finally:
    for unused in UNUSED:
        del sys.modules[unused]

__all__ = ["FlaskApi", "OpenAPIOperation", "ProblemException", "Resolver", "pythonic"]


def _trust(_cls: type, _description: dict[str, Any]) -> None:
    """Take a description as valid."""


OpenAPISpecification._validate_spec = classmethod(_trust)  # noqa: SLF001  # no option switches it off
