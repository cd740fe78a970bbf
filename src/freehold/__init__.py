"""Freehold: own your AI outright.

    import freehold

    with freehold.connect("estate", token=token, passphrase=read_passphrase) as session:
        session.data.list()

`connect` reaches an estate wherever it is held; `Estate.create` and `Estate.open` hold one in this
process. Names are loaded when they are first used: an isolated job imports this package too, and
must not pay for what it cannot reach.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freehold.estate import Estate
    from freehold.kernel import FreeholdError
    from freehold.session import Session, connect

__all__ = ["Estate", "FreeholdError", "Session", "connect"]

_HOMES = {
    "Estate": "freehold.estate",
    "FreeholdError": "freehold.kernel",
    "Session": "freehold.session",
    "connect": "freehold.session",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'freehold' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
