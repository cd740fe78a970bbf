"""The server: verbs over REST, answers over the Open Inference Protocol, on a local socket or over
TLS.

    serve(estate, Listen(socket=path))

It is thin: every rule lies below it.
"""

from freehold.api._app import create_app
from freehold.api._daily import every_day, keep_retention
from freehold.api._serve import Listen, serve
from freehold.api.errors import ApiError

__all__ = ["ApiError", "Listen", "create_app", "every_day", "keep_retention", "serve"]
