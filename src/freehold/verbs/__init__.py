"""The verbs of Freehold: one table of functions, from which command line, REST API and SDK follow
with the same words.

    verb = VERBS["data.list"]
    verb.function(estate, actor, **verb.validate(arguments))

No verb decides anything: the acts it performs do.
"""

from collections.abc import Mapping
from types import MappingProxyType

from freehold.verbs import _clock, _estate, _line
from freehold.verbs._verb import TEXT_FILE, Download, Parameter, TextFile, Verb, misfit, to_json

__all__ = ["TEXT_FILE", "VERBS", "Download", "Parameter", "TextFile", "Verb", "misfit", "to_json"]

NOUNS = (
    "estate",
    "charter",
    "people",
    "policy",
    "data",
    "training",
    "evaluation",
    "models",
    "serving",
    "ledger",
)


def _verbs() -> Mapping[str, Verb]:
    """Every public function `noun_verb` of the modules."""
    table = {}
    for module in (_estate, _line, _clock):
        for name, function in vars(module).items():
            noun, _, verb = name.partition("_")
            if noun in NOUNS and getattr(function, "__module__", "") == module.__name__:
                table[f"{noun}.{verb}"] = Verb(noun, verb, function)
    return MappingProxyType(table)


VERBS = _verbs()
