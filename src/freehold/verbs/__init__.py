"""The verbs of Freehold: one table of functions, from which command line, REST API and SDK follow
with the same words.

    verb = VERBS["data.list"]
    verb.function(estate, actor, **verb.validate(arguments))

No verb decides anything: the acts it performs do.
"""

from collections.abc import Mapping
from types import MappingProxyType

from freehold.verbs import (
    _audit,
    _backup,
    _clock,
    _emergency,
    _estate,
    _line,
    _retention,
    _stamp,
    _streams,
    _witness,
)
from freehold.verbs._verb import TEXT_FILE, Download, Parameter, TextFile, Verb, misfit, to_json

__all__ = ["TEXT_FILE", "VERBS", "Download", "Parameter", "TextFile", "Verb", "misfit", "to_json"]

MODULES = (
    _estate,
    _emergency,
    _line,
    _audit,
    _backup,
    _clock,
    _retention,
    _stamp,
    _streams,
    _witness,
)

NOUNS = (
    "estate",
    "charter",
    "people",
    "access",
    "recovery",
    "policy",
    "data",
    "training",
    "evaluation",
    "models",
    "serving",
    "ledger",
    "backup",
    "stamp",
    "stream",
    "witness",
)


def _verbs() -> Mapping[str, Verb]:
    """Every public function `noun_verb` of the modules of verbs."""
    table = {}
    for module in MODULES:
        for name, function in vars(module).items():
            noun, _, verb = name.partition("_")
            if noun in NOUNS and getattr(function, "__module__", "") == module.__name__:
                table[f"{noun}.{verb}"] = Verb(noun, verb, function)
    return MappingProxyType(table)


VERBS = _verbs()
