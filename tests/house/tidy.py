"""The habits of this code that no linter knows, as pure functions over one module's syntax tree.

Reads source text and nothing else; imports and runs none of it. `RULES` names every rule; each
yields the line and what is wrong there. `PRODUCT` is what holds for src/ and verifier/,
`EVERYWHERE` what holds for tests too.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from tests.house.import_effects import effects, is_value_class, state

Found = Iterator[tuple[int, str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef
LEAVING = ast.Return | ast.Break | ast.Continue

MODULE_LINES_MAX = 600  # what one reads in one sitting
FUNCTION_LINES_MAX = 70  # what one sees on one screen
PUBLIC_METHODS_MAX = 15  # beyond it a class is several
PARAMETERS_MAX = 6  # beyond it some of them are one value
POSITIONAL_MAX = 4  # docs/decisions/0002; beyond it a caller cannot tell which is which
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")


@dataclass(frozen=True)
class Module:
    """One source file; `path` is relative to the repository's root, with forward slashes."""

    path: str
    source: str
    values: frozenset[str] = frozenset()  # names of frozen classes, which may be built at import

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.path)

    @property
    def owner(self) -> str:
        """The package whose private modules this one may import: its own, up to a private part."""
        parts = self.path.removeprefix("src/").removeprefix("verifier/").split("/")[:-1]
        public = next((n for n, part in enumerate(parts) if part.startswith("_")), len(parts))
        return ".".join(parts[:public])


@dataclass(frozen=True, order=True)
class Finding:
    """One place that breaks one rule."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


def module_size(module: Module) -> Found:
    """A module is at most 600 lines."""
    lines = module.source.count("\n")
    if lines > MODULE_LINES_MAX:
        yield 1, f"{lines} lines, at most {MODULE_LINES_MAX}"


def function_size(module: Module) -> Found:
    """A function is at most 70 lines, docstring included."""
    for function in functions(module.tree):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            yield (
                function.lineno,
                f"{function.name} has {lines} lines, at most {FUNCTION_LINES_MAX}",
            )


def class_size(module: Module) -> Found:
    """A class has at most 15 public methods, properties counted once."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            public = {
                each.name for each in node.body if isinstance(each, Function) and is_public(each)
            }
            if len(public) > PUBLIC_METHODS_MAX:
                yield (
                    node.lineno,
                    f"{node.name} has {len(public)} methods, at most {PUBLIC_METHODS_MAX}",
                )


def parameters(module: Module) -> Found:
    """A function takes at most 6 parameters; `self` and `cls` do not count."""
    for function, positional in signatures(module.tree):
        total = positional + len(function.args.kwonlyargs)
        if total > PARAMETERS_MAX:
            yield (
                function.lineno,
                f"{function.name} takes {total} parameters, at most {PARAMETERS_MAX}",
            )


def positional(module: Module) -> Found:
    """A function takes all after the second by keyword; `self` and `cls` do not count."""
    for function, count in signatures(module.tree):
        if count > POSITIONAL_MAX:
            yield (
                function.lineno,
                f"{function.name} takes {count} positional, at most {POSITIONAL_MAX}",
            )


def global_statement(module: Module) -> Found:
    """State belongs to the composition root: no `global`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            yield node.lineno, f"global {', '.join(node.names)}"


def import_effect(module: Module) -> Found:
    """Importing a module does nothing but define; `import_effects` lists what may be called."""
    return effects(module.tree, module.values)


def module_state(module: Module) -> Found:
    """A module holds constants, not state: no empty container to be filled later, no cache."""
    return state(module.tree)


def broad_except(module: Module) -> Found:
    """`except Exception`, `except BaseException` and a bare `except` raise again on every path."""
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.ExceptHandler)
            and is_broad(node.type)
            and not always_raises(node.body)
        ):
            yield node.lineno, "swallows every error; name the errors, or raise again"


def private_import(module: Module) -> Found:
    """Nobody imports another package's `_module`, of ours or of others."""
    for line, name in imported_names(module.tree):
        parts = name.split(".")
        private = next((n for n, part in enumerate(parts) if is_private(part)), None)
        if parts[0] == "_typeshed":
            continue  # type checkers know it; it is never imported
        if private is not None and ".".join(parts[:private]) != module.owner:
            yield line, f"{name} is private to {'.'.join(parts[:private]) or 'another'}"


def unfinished(module: Module) -> Found:
    """What is not done is an issue, not a comment."""
    for token in tokenize.generate_tokens(io.StringIO(module.source).readline):
        if token.type == tokenize.COMMENT and UNFINISHED.search(token.string):
            yield token.start[0], token.string


def mock(module: Module) -> Found:
    """Fakes keep a protocol's rules; mocks keep none."""
    for line, name in imported_names(module.tree):
        if name.split(".")[0] == "mock" or name.startswith("unittest.mock"):
            yield line, f"imports {name}; write a fake"


def docstring(module: Module) -> Found:
    """Every module, and every public class and function of it, says what it is."""
    if ast.get_docstring(module.tree) is None:
        yield 1, "the module has no docstring"
    for node in module.tree.body:
        if (
            isinstance(node, ast.ClassDef | Function)
            and is_public(node)
            and not is_overload(node)
            and ast.get_docstring(node) is None
        ):
            yield node.lineno, f"{node.name} has no docstring"


RULES: Mapping[str, Callable[[Module], Found]] = {
    "module-size": module_size,
    "function-size": function_size,
    "class-size": class_size,
    "parameters": parameters,
    "positional": positional,
    "global": global_statement,
    "import-effect": import_effect,
    "module-state": module_state,
    "broad-except": broad_except,
    "private-import": private_import,
    "unfinished": unfinished,
    "mock": mock,
    "docstring": docstring,
}
PRODUCT = tuple(RULES)
EVERYWHERE = ("global", "broad-except", "private-import", "unfinished", "mock")


def check(modules: Iterable[Module], rules: Iterable[str]) -> list[Finding]:
    """Apply the named rules to each module."""
    names = tuple(rules)
    return sorted(
        Finding(module.path, line, name, message)
        for module in modules
        for name in names
        for line, message in RULES[name](module)
    )


def value_classes(modules: Iterable[Module]) -> frozenset[str]:
    """Names of the classes whose instances are values, which may be built at import."""
    return frozenset(
        node.name
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and is_value_class(node)
    )


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def signatures(tree: ast.AST) -> Iterator[tuple[Function, int]]:
    """Every function whose signature is ours to choose, with the number of its positional ones.

    Methods that the language calls (`__exit__`) have its signature. `self` and `cls` do not count.
    """
    methods = {
        id(each)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for each in node.body
        if isinstance(each, Function)
        and "staticmethod" not in map(ast.unparse, each.decorator_list)
    }
    for function in functions(tree):
        if not is_protocol_method(function):
            count = len(function.args.posonlyargs) + len(function.args.args)
            yield function, count - (id(function) in methods)


def imported_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every imported name in full, with its line; `from a import b` gives `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def is_public(node: ast.ClassDef | Function) -> bool:
    """Tell whether a name is meant for others."""
    return not node.name.startswith("_")


def is_private(name: str) -> bool:
    """Tell whether one part of a dotted name is private; `__init__` and `__future__` are not."""
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def is_overload(node: ast.ClassDef | Function) -> bool:
    """Tell whether a function only adds a signature to another."""
    return any(ast.unparse(each).split(".")[-1] == "overload" for each in node.decorator_list)


def is_protocol_method(function: Function) -> bool:
    """Tell whether the language fixes this method's signature."""
    is_dunder = function.name.startswith("__") and function.name.endswith("__")
    return is_dunder and function.name not in {"__init__", "__new__", "__call__"}


def is_broad(kind: ast.expr | None) -> bool:
    """Tell whether an except clause takes every error."""
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(
        each is None or ast.unparse(each) in {"Exception", "BaseException"} for each in kinds
    )


def always_raises(body: list[ast.stmt]) -> bool:
    """Tell whether no path falls out of the end of `body` or returns from it."""
    if any(
        isinstance(node, ast.Return | ast.Break | ast.Continue)
        for each in body
        for node in ast.walk(each)
    ):
        return False
    last = body[-1]
    if isinstance(last, ast.If):
        return bool(last.orelse) and always_raises(last.body) and always_raises(last.orelse)
    if isinstance(last, ast.With | ast.AsyncWith):
        return always_raises(last.body)
    if isinstance(last, ast.Try):
        in_body = always_raises(last.body) and all(
            always_raises(each.body) for each in last.handlers
        )
        return in_body or (bool(last.finalbody) and always_raises(last.finalbody))
    return isinstance(last, ast.Raise)
