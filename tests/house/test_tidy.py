"""The house is tidy: all rules hold in src/ and verifier/, some in tests/ and benchmarks/ too."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.house import tidy
from tests.house.tidy import Finding, Module

ROOT = Path(__file__).resolve().parents[2]

# What may break a rule, and why. An entry that is no longer needed fails the build, so that the
# table only shrinks.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("src/freehold/kernel/keys/_keyring.py", "class-size"): (
        "one lock and one connection own all that it does; what writes beside them tears it"
    ),
    ("src/freehold/kernel/vault/_vault.py", "class-size"): (
        "the one door to blobs and bodies, which stop together once a sync has failed"
    ),
    ("src/freehold/verbs/__init__.py", "import-effect"): (
        "the table of verbs is a pure function of the modules beside it (docs/decisions/0001)"
    ),
    ("src/freehold/cli/_audit.py", "parameters"): (
        "each parameter of a command is an option that a person types"
    ),
    ("src/freehold/cli/_backup.py", "parameters"): (
        "one option for each thing that a restoration may be told"
    ),
    ("src/freehold/verbs/_estate.py", "parameters"): (
        "each parameter of a verb is an option that a person types (docs/decisions/0001)"
    ),
    ("src/freehold/verbs/_line.py", "parameters"): (
        "each parameter of a verb is an option that a person types (docs/decisions/0001)"
    ),
}


def modules_under(*folders: str) -> list[Module]:
    return [
        Module(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    product = modules_under("src", "verifier")
    values = tidy.value_classes(product)
    product = [Module(each.path, each.source, values) for each in product]
    return tidy.check(product, tidy.PRODUCT) + tidy.check(
        modules_under("tests", "benchmarks"), tidy.EVERYWHERE
    )


def test_the_house_is_tidy(findings):
    untidy = [each for each in findings if (each.path, each.rule) not in EXCEPTIONS]
    if untidy:
        pytest.fail("\n".join(map(str, untidy)), pytrace=False)


def test_every_exception_is_still_needed(findings):
    needed = {(each.path, each.rule) for each in findings}
    assert not EXCEPTIONS.keys() - needed


def test_every_exception_has_a_reason_and_a_known_rule():
    assert all(EXCEPTIONS.values())
    assert {rule for _, rule in EXCEPTIONS} <= tidy.RULES.keys()


BROKEN = {
    "a module of 601 lines": ("module-size", '"""M."""\n' + "A = 1\n" * 600),
    "a function of 71 lines": ("function-size", "def f():\n" + "    a = 1\n" * 70),
    "a method of 71 lines": ("function-size", "class A:\n    def f():\n" + "        a = 1\n" * 70),
    "a class of 16 public methods": (
        "class-size",
        "class A:\n" + "".join(f"    def m{n}(self): ...\n" for n in range(16)),
    ),
    "seven parameters": ("parameters", "def f(a, b, *, c, d, e, f, g): ..."),
    "a fifth positional parameter": ("positional", "def f(a, b, c, d, e): ..."),
    "a fifth positional parameter of a method": (
        "positional",
        "class A:\n def f(self, a, b, c, d, e): ...",
    ),
    "a fifth positional parameter of a static method": (
        "positional",
        "class A:\n @staticmethod\n def f(a, b, c, d, e): ...",
    ),
    "a global": ("global", "def f():\n    global a\n    a = 1"),
    "a call at import": ("import-effect", "import os\nos.getcwd()"),
    "a constant from a call with effects": ("import-effect", "import os\nHERE = os.getcwd()"),
    "a call of our own function at import": ("import-effect", "def f(): ...\nA = f()"),
    "a call deep inside a constant": ("import-effect", "A = {'a': (1, open('x'))}"),
    "a call in a class body": ("import-effect", "import os\nclass A:\n    here = os.getcwd()"),
    "a call in a default": ("import-effect", "import os\ndef f(a=os.getcwd()): ..."),
    "an application at import": ("import-effect", "from typer import Typer\napp = Typer()"),
    "a registering decorator": ("import-effect", "from x import app\n@app.command()\ndef f(): ..."),
    "a database engine at import": (
        "import-effect",
        "import sqlalchemy as sa\nENGINE = sa.create_engine('sqlite://')",
    ),
    "a loop at import": ("import-effect", "for a in (1, 2):\n    pass"),
    "a path that is looked up at import": (
        "import-effect",
        "from pathlib import Path\nHERE = Path(__file__).resolve()",
    ),
    "a call in a branch at import": (
        "import-effect",
        "import sys\nif sys.flags.dev_mode:\n    print()",
    ),
    "an empty dict of a module": ("module-state", "SEEN: dict[str, int] = {}"),
    "an empty list of a module": ("module-state", "SEEN = []"),
    "an empty set of a module": ("module-state", "SEEN = set()"),
    "a default dict of a module": (
        "module-state",
        "from collections import defaultdict as d\nSEEN = d(list)",
    ),
    "a cached function": ("module-state", "from functools import cache\n@cache\ndef f(): ..."),
    "a bounded cache": (
        "module-state",
        "import functools\n@functools.lru_cache(maxsize=8)\ndef f(): ...",
    ),
    "a bare except": ("broad-except", "try: f()\nexcept: pass"),
    "except Exception": ("broad-except", "try: f()\nexcept Exception: g()"),
    "except Exception among others": ("broad-except", "try: f()\nexcept (OSError, Exception): g()"),
    "a raise on one path only": (
        "broad-except",
        "try: f()\nexcept Exception as e:\n    if g(e):\n        raise",
    ),
    "a return before the raise": (
        "broad-except",
        "def f():\n try: g()\n except BaseException:\n  if h(): return 1\n  raise",
    ),
    "a private module of another room": ("private-import", "from freehold.data._rows import Row"),
    "a private module by name": ("private-import", "from freehold.data import _rows"),
    "a private module of the parent package": ("private-import", "from freehold._x import y"),
    "a private module of a library": ("private-import", "import httpx._types"),
    "a private module of Python": ("private-import", "import _thread"),
    "a note to do": ("unfinished", "a = 1  # TO" + "DO: more"),
    "a note to mend": ("unfinished", "# FIX" + "ME"),
    "a mock": ("mock", "from unittest import mock"),
    "a patch": ("mock", "from unittest.mock import patch"),
    "a module without docstring": ("docstring", "A = 1"),
    "a public class without docstring": ("docstring", '"""M."""\nclass A: ...'),
    "a public function without docstring": ("docstring", '"""M."""\nasync def f(): ...'),
}


@pytest.mark.parametrize(("rule", "source"), BROKEN.values(), ids=BROKEN.keys())
def test_each_rule_sees_what_breaks_it(rule, source):
    found = tidy.check([Module("src/freehold/models/_card.py", source)], [rule])
    assert [each.rule for each in found] == [rule], found


TIDY_SOURCE = dedent('''
    """A module as it should be."""

    from __future__ import annotations

    import re
    from collections.abc import Iterator
    from contextlib import contextmanager
    from dataclasses import dataclass, field
    from enum import Enum
    from typing import TYPE_CHECKING, NamedTuple, TypeVar, overload

    import sqlalchemy as sa

    from freehold.models._store import Store
    from freehold.kernel import Limits

    if TYPE_CHECKING:
        from freehold.kernel import Clock

    try:
        import torch
    except ImportError:
        torch = None

    __all__ = ["Card"]
    T = TypeVar("T")
    _NAME = re.compile(rf"[a-z]{{1,{Limits().name_chars_max}}}")
    _KINDS = frozenset({"a", "b"})
    _TABLE = {"a": lambda: open("x")}
    _WORDS = tuple("a b c".split())
    CARD = sa.Table("card", sa.MetaData(), sa.Column("id", sa.String(36), primary_key=True))


    class Colour(Enum):
        """A colour."""

        RED = "red"


    class Pair(NamedTuple):
        """A pair."""

        a: int = 1


    @dataclass(frozen=True)
    class Card:
        """A card."""

        names: tuple[str, ...] = field(default_factory=tuple)

        @property
        def first(self) -> str: ...

        @first.setter
        def first(self, value: str) -> None: ...

        def __exit__(self, kind, value, trace) -> None: ...


    DEFAULT = Card(names=("a",))
    PAIR = Pair(2)


    @overload
    def read(a: int) -> int: ...
    @overload
    def read(a: str) -> str: ...
    def read(a, b=1, *, c=DEFAULT, d=None, e=None, f=Card()):
        """Read, and raise again."""
        try:
            return _look(a)
        except OSError:
            return None
        except Exception as error:
            if b:
                raise ValueError(a) from error
            else:
                raise


    @contextmanager
    def opened() -> Iterator[None]:
        """Open for a while."""
        print("this runs when it is called")
        yield


    def _look(a): ...


    if __name__ == "__main__":
        print(read(1))
''').lstrip()


def test_nothing_is_found_in_a_tidy_module():
    values = tidy.value_classes([Module("x.py", TIDY_SOURCE)]) | {"Limits"}
    module = Module("src/freehold/models/_card.py", TIDY_SOURCE, values)
    assert tidy.check([module], tidy.PRODUCT) == []


def test_frozen_dataclasses_enumerations_and_named_tuples_are_values():
    source = TIDY_SOURCE + "\n@dataclass\nclass Open: ...\n\nclass Plain: ...\n"
    assert tidy.value_classes([Module("x.py", source)]) == {"Card", "Colour", "Pair"}


OWNERS = {
    "src/freehold/models/__init__.py": "freehold.models",
    "src/freehold/models/_card.py": "freehold.models",
    "src/freehold/data/_readers/_csv.py": "freehold.data",
    "src/freehold/estate.py": "freehold",
    "verifier/freehold_verify.py": "",
    "tests/data/test_rows.py": "tests.data",
}


@pytest.mark.parametrize(("path", "owner"), OWNERS.items(), ids=OWNERS.keys())
def test_a_module_belongs_to_its_public_package(path, owner):
    assert Module(path, "").owner == owner
