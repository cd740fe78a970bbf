"""Errors as HTTP: one table from codes to statuses, and the body of RFC 9457 (problem+json)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from freehold.kernel import FreeholdError, HostError

_BY_CODE: Mapping[str, HTTPStatus] = {
    "policy.denied": HTTPStatus.FORBIDDEN,
    "party.unauthenticated": HTTPStatus.UNAUTHORIZED,
    "api.too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "api.method": HTTPStatus.METHOD_NOT_ALLOWED,
    "keys.erased": HTTPStatus.GONE,
    "serving.stopped": HTTPStatus.SERVICE_UNAVAILABLE,
    "serving.worker": HTTPStatus.SERVICE_UNAVAILABLE,
    "ledger.thread": HTTPStatus.SERVICE_UNAVAILABLE,
    "ledger.sync_failed": HTTPStatus.SERVICE_UNAVAILABLE,
    "ledger.commit_failed": HTTPStatus.SERVICE_UNAVAILABLE,
    "ledger.publish_failed": HTTPStatus.SERVICE_UNAVAILABLE,
    "ledger.closed": HTTPStatus.SERVICE_UNAVAILABLE,
    "stamp.unreachable": HTTPStatus.BAD_GATEWAY,
    "witness.unreachable": HTTPStatus.BAD_GATEWAY,
    "witness.answer": HTTPStatus.BAD_GATEWAY,
    "catalog.apply": HTTPStatus.SERVICE_UNAVAILABLE,
    "catalog.scrub": HTTPStatus.SERVICE_UNAVAILABLE,
    "catalog.unreadable": HTTPStatus.SERVICE_UNAVAILABLE,
}
_BY_ENDING: Mapping[str, HTTPStatus] = {
    ".unknown": HTTPStatus.NOT_FOUND,
    ".owner": HTTPStatus.NOT_FOUND,
    ".exists": HTTPStatus.CONFLICT,
    ".status": HTTPStatus.CONFLICT,
    ".twice": HTTPStatus.CONFLICT,
    ".ratified": HTTPStatus.CONFLICT,
    ".unratified": HTTPStatus.CONFLICT,
    ".not_live": HTTPStatus.CONFLICT,
    ".not_evaluated": HTTPStatus.CONFLICT,
    ".reopen": HTTPStatus.SERVICE_UNAVAILABLE,
    ".storage": HTTPStatus.SERVICE_UNAVAILABLE,
}


def status_of(error: FreeholdError) -> HTTPStatus:
    """The status of an error; 422 where the table has none, since it was the request that could not
    be done.
    """
    if isinstance(error, HostError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    ending = "." + error.code.rpartition(".")[2]
    return _BY_CODE.get(error.code) or _BY_ENDING.get(ending) or HTTPStatus.UNPROCESSABLE_ENTITY


def problem(error: FreeholdError) -> dict[str, Any]:
    """The body of an error (RFC 9457, section 3.1), with Freehold's code and hint."""
    status = status_of(error)
    return {
        "type": f"urn:freehold:{error.code}",
        "title": status.phrase,
        "status": int(status),
        "detail": error.message,
        "code": error.code,
        "hint": error.hint,
    }
