"""What a verb is: one function with a plain signature, from which the CLI, the REST API and the SDK
follow.

A verb's function takes the open estate first, then `actor` unless it authenticates by signature,
then its own parameters: text, numbers, flags, tuples of text, mappings of metric to number,
`TextFile` (a text that people keep in a file) or `BinaryIO` (a file or folder that is sent). It
returns plain values, frozen dataclasses, or a `Download`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, BinaryIO, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError, create_model

from freehold.kernel import MalformedError

TEXT_FILE = "text-file"
TextFile = Annotated[str, TEXT_FILE]
"""A text that the CLI reads from the file of that name."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that a verb hands out; whoever called closes it."""

    file: BinaryIO
    name: str
    summary: Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a verb as a caller gives it."""

    name: str
    type: Any
    default: Any  # inspect.Parameter.empty where it is required
    is_option: bool  # keyword-only: an option of the CLI

    @property
    def is_required(self) -> bool:
        return self.default is inspect.Parameter.empty


def misfit(path: str, where: Sequence[object], why: str) -> MalformedError:
    """The error of an argument that does not fit a verb; without its value, which may be secret."""
    told = ": ".join(filter(None, (path, ".".join(map(str, where)), why.lower())))
    command = path.replace(".", " ").replace("_", "-")
    return MalformedError("verb.arguments", told, f"see `freehold {command} --help`")


class Verb:
    """A function of the estate, callable by name with plain arguments."""

    def __init__(self, noun: str, name: str, function: Callable[..., Any]) -> None:
        self.noun = noun
        self.name = name
        self.function = function
        self.help = inspect.cleandoc(function.__doc__ or "")

    @property
    def path(self) -> str:
        """`data.ingest`."""
        return f"{self.noun}.{self.name}"

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters without estate, actor and upload."""
        return tuple(p for p in self._all if p.name != "actor" and p.type is not BinaryIO)

    @cached_property
    def upload(self) -> Parameter | None:
        """The parameter that takes a file, if there is one."""
        return next((p for p in self._all if p.type is BinaryIO), None)

    @cached_property
    def needs_actor(self) -> bool:
        """False where a signature is the authentication."""
        return any(p.name == "actor" for p in self._all)

    @cached_property
    def arguments_model(self) -> Any:
        """A pydantic model of the arguments; strict about unknown names."""
        fields: dict[str, Any] = {
            p.name: (p.type, ... if p.is_required else p.default) for p in self.parameters
        }
        return create_model(
            f"{self.noun.title()}{self.name.title()}".replace("_", ""),
            __config__=ConfigDict(extra="forbid"),
            **fields,
        )

    def validate(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Check plain arguments against the signature.

        Raises:
            MalformedError: a missing, unknown or ill-typed argument, named.
        """
        try:
            checked = self.arguments_model(**arguments)
        except ValidationError as error:
            first = error.errors()[0]
            raise misfit(self.path, first["loc"], first["msg"]) from error
        return {p.name: getattr(checked, p.name) for p in self.parameters}

    @cached_property
    def _all(self) -> tuple[Parameter, ...]:
        signature = inspect.signature(self.function)
        hints = get_type_hints(self.function, include_extras=True)
        return tuple(
            Parameter(p.name, hints[p.name], p.default, p.kind is inspect.Parameter.KEYWORD_ONLY)
            for p in list(signature.parameters.values())[1:]
        )


_JSON = TypeAdapter(Any)


def to_json(value: Any) -> Any:
    """A verb's result as plain JSON values."""
    return _JSON.dump_python(value, mode="json")
