"""What a module may do while it is imported: define functions, classes and constants.

Walks only what runs at import: module level, class bodies, decorators and defaults; never a
function's body, nor what stands under `if __name__ == "__main__"`. A call there must be in the
lists below, or build a frozen value of ours.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

Found = Iterator[tuple[int, str]]

# Functions without effects: they give the same value each time and touch nothing. `getLogger` names
# a logger and opens nothing.
PURE_CALLS = frozenset(
    """
    bytes chr dict enumerate float frozenset getattr int len list max min ord pow range reversed set
    slice sorted str sum tuple zip bytes.fromhex dict.fromkeys str.maketrans
    collections.namedtuple dataclasses.field
    datetime.date datetime.datetime datetime.timedelta datetime.timezone
    decimal.Decimal enum.auto fractions.Fraction functools.partial hashlib.sha256
    json.JSONDecoder json.JSONEncoder logging.getLogger operator.attrgetter operator.itemgetter
    msgspec.Meta msgspec.json.Decoder
    re.compile re.escape struct.Struct struct.calcsize types.MappingProxyType
    typing.NewType typing.ParamSpec typing.TypeVar typing.cast uuid.UUID
    """.split()
)
# Descriptions that a library reads later; building one opens and registers nothing outside itself.
DESCRIPTIONS = frozenset(
    """
    fastapi.Body fastapi.Depends fastapi.File fastapi.Header fastapi.Path fastapi.Query
    fastapi.security.HTTPBearer
    freehold.kernel.acts.asked freehold.kernel.acts.found
    polars.Boolean polars.Date polars.Datetime polars.Float64 polars.Int64 polars.String
    pydantic.ConfigDict pydantic.Field pydantic.StringConstraints pydantic.TypeAdapter
    typer.Argument typer.Option
    """.split()
)
DESCRIPTION_PACKAGES = ("sqlalchemy.",)  # tables and columns; what opens or registers is refused
REFUSED = frozenset("sqlalchemy.create_engine sqlalchemy.event.listen".split())
# Methods of text, digests and the built-in containers that only read.
PURE_METHODS = frozenset(
    """
    decode difference digest encode format hex hexdigest items join keys lower removeprefix
    removesuffix replace split splitlines strip union upper values
    """.split()
)
# Decorators that only wrap or describe. `functools.cache` is not one: its cache is state.
PURE_DECORATORS = frozenset(
    """
    abc.abstractmethod classmethod contextlib.asynccontextmanager contextlib.contextmanager
    dataclasses.dataclass enum.unique functools.cached_property functools.total_ordering
    functools.wraps property pydantic.computed_field pydantic.field_serializer
    pydantic.field_validator pydantic.model_serializer pydantic.model_validator staticmethod
    typing.final typing.no_type_check typing.overload typing.runtime_checkable
    """.split()
)
PROPERTY_PARTS = frozenset("deleter getter setter".split())
CONTAINERS = frozenset(
    """
    bytearray collections.Counter collections.OrderedDict collections.defaultdict collections.deque
    contextvars.ContextVar dict list set
    """.split()
)
CACHES = frozenset({"functools.cache", "functools.lru_cache"})
VALUE_BASES = {"Enum", "Flag", "IntEnum", "IntFlag", "NamedTuple", "StrEnum"}
DEFINING = (ast.Import, ast.ImportFrom, ast.Pass, ast.Assign, ast.AnnAssign)
DECORATED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def effects(tree: ast.Module, values: frozenset[str]) -> Found:
    """Yield each statement and call that runs at import and is not known to be pure.

    Args:
        tree: the module.
        values: names of classes of ours whose instances are frozen values.
    """
    names = full_names(tree)
    for node in run_at_import(tree.body):
        if isinstance(node, ast.expr):
            yield from calls(node, names, values=values)
        elif not isinstance(node, DEFINING):
            yield node.lineno, f"a statement that runs at import: {brief(node)}"


def state(tree: ast.Module) -> Found:
    """Yield each module-level name that can only be meant to change, and each cache."""
    names = full_names(tree)
    for node in tree.body:
        if (
            isinstance(node, ast.Assign | ast.AnnAssign)
            and node.value
            and is_empty(node.value, names)
        ):
            yield node.lineno, f"an empty container is state: {brief(node)}"
        for decorator in getattr(node, "decorator_list", ()):
            target = decorator.func if isinstance(decorator, ast.Call) else decorator
            if full_name(target, names) in CACHES:
                yield node.lineno, f"a cache is state: @{brief(decorator)}"


def is_value_class(node: ast.ClassDef) -> bool:
    """Tell whether instances are values: of a frozen dataclass, an enumeration, a named tuple."""
    bases = {ast.unparse(base).split(".")[-1] for base in node.bases}
    frozen = any(
        isinstance(each, ast.Call)
        and ast.unparse(each.func).endswith("dataclass")
        and any(k.arg == "frozen" and ast.unparse(k.value) == "True" for k in each.keywords)
        for each in node.decorator_list
    )
    return frozen or bool(bases & VALUE_BASES)


def run_at_import(body: list[ast.stmt]) -> Iterator[ast.stmt | ast.expr]:
    """Yield the statements to judge and the expressions that are evaluated on importing `body`."""
    for node in body:
        if isinstance(node, DECORATED):
            yield from defining(node)
        elif isinstance(node, ast.If):
            yield node.test
            if "__name__" not in ast.unparse(node.test):
                yield from run_at_import(node.body)
            yield from run_at_import(node.orelse)
        elif isinstance(
            node, ast.Try
        ):  # an optional dependency: imports, and constants in their place
            yield from run_at_import([*node.body, *node.orelse, *node.finalbody])
            for handler in node.handlers:
                yield from run_at_import(handler.body)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            if node.value is not None:
                yield node.value
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            yield node


def defining(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
) -> Iterator[ast.stmt | ast.expr]:
    """Yield what is evaluated when a function or class is defined."""
    for decorator in node.decorator_list:
        yield ast.copy_location(
            ast.Starred(decorator, ast.Load()), decorator
        )  # marks it as a decorator
    if isinstance(node, ast.ClassDef):
        yield from node.bases
        yield from (keyword.value for keyword in node.keywords)
        yield from run_at_import(node.body)
    else:
        yield from node.args.defaults
        yield from (default for default in node.args.kw_defaults if default is not None)


def calls(expression: ast.expr, names: dict[str, str], *, values: frozenset[str]) -> Found:
    """Yield the calls in `expression` that are not known to be pure; lambdas are not run."""
    if isinstance(expression, ast.Starred):
        decorator = expression.value
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        is_part = isinstance(target, ast.Attribute) and target.attr in PROPERTY_PARTS
        if not is_part and full_name(target, names) not in PURE_DECORATORS | CACHES:
            yield decorator.lineno, f"a decorator that is not known to be pure: @{brief(decorator)}"
        return
    pending: list[ast.AST] = [expression]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Call) and not is_pure(node.func, names, values=values):
            yield node.lineno, f"a call that runs at import: {brief(node)}"
        else:
            pending.extend(ast.iter_child_nodes(node))


def is_pure(function: ast.expr, names: dict[str, str], *, values: frozenset[str]) -> bool:
    """Tell whether a call of `function` is known to do nothing but build a value."""
    name = full_name(function, names)
    if name in REFUSED:
        return False
    if name in PURE_CALLS | DESCRIPTIONS | CONTAINERS or name.startswith(DESCRIPTION_PACKAGES):
        return True
    if isinstance(function, ast.Attribute):
        is_of_module = isinstance(function.value, ast.Name) and function.value.id in names
        owner = full_name(function.value, names).split(".")[-1]
        return owner in values or (function.attr in PURE_METHODS and not is_of_module)
    return name.split(".")[-1] in values


def is_empty(value: ast.expr, names: dict[str, str]) -> bool:
    """Tell whether an expression is an empty container, which only later writes can fill."""
    if isinstance(value, ast.Dict):
        return not value.keys
    if isinstance(value, ast.List):
        return not value.elts
    if isinstance(value, ast.Call) and full_name(value.func, names) in CONTAINERS:
        name = full_name(value.func, names)
        return name.endswith(("defaultdict", "ContextVar")) or not (value.args or value.keywords)
    return False


def full_names(tree: ast.Module) -> dict[str, str]:
    """Map each imported name to its full one: `field` to `dataclasses.field`."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def full_name(function: ast.expr, names: dict[str, str]) -> str:
    """Spell a called name in full."""
    head, _, rest = ast.unparse(function).partition(".")
    return ".".join(filter(None, (names.get(head, head), rest)))


def brief(node: ast.AST) -> str:
    """Show a piece of code on one short line."""
    return " ".join(ast.unparse(node).split())[:80]
