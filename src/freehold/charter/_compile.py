"""Compile a charter to the Cedar policies that enforce it.

The rules, each with a readable `@id` and a `@reason` that a person reads when it refuses:

- `charter.role.<role>` permits what the role may do; nothing else permits anything.
- `charter.active` bars the revoked, `charter.purpose.defined` purposes that the charter lacks.
- Acts that use content are held by `charter.clearance`, `charter.class`, `charter.not-erased` and,
  class by class, `charter.residency.<class>`, `.operator.<class>` and `.tenancy.<class>`. They are
  every ingest and every act on a dataset, model, deployment or decision, except those whose verb is
  in `_WITHOUT_CONTENT`; a new act is held until somebody says that it need not be.
- `charter.purpose` and `charter.residency` hold a read to what the dataset itself is cleared for,
  and `charter.isolation.<class>` holds whatever computes on a class.
- `charter.approvals.<act>`, `charter.gate`, `charter.trained-by` hold the decisions of people.
- `charter.emergency.*` and `charter.review.own` say who may break the glass, and who looks at it.

Text from values: nothing is validated or activated here. Only acts that exist are named, and only
attributes that their resource has, so that the result passes strict validation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from freehold.charter._cedar import action, is_act, policy, quote, set_of
from freehold.charter._charter import Charter
from freehold.charter._emergency_policies import emergency_policies
from freehold.charter._jurisdictions import EU_MEMBERS, EUROPEAN_UNION, expand
from freehold.charter._model import ISOLATION_LEVELS, OWNER, DataClass, Role
from freehold.charter._reader import join, near, show
from freehold.charter.errors import MalformedCharterError

_INGEST = "dataset.ingest"
_CLEAR = "dataset.clear"
_READ = "dataset.read"
_PROMOTE = "model.promote"
_COMPUTING = (_READ, "deployment.start")  # acts whose context tells the isolation reached

_ONE_CLASS = "Dataset"  # has `data_class`; the others have `classes`
_MANY_CLASSES = ("Decision", "Deployment", "Model")

_WITHOUT_CONTENT = frozenset(
    {"show", "list", "explain"}  # only describe
    | {"erase", "apply", "retire", "stop"}  # only take away: the stop button is never barred
    | {"submit", "promote"}  # only judge: gate and approvals hold them
)

_BOOTSTRAP = ("charter.propose", "charter.ratify", "charter.show", "estate.create", "estate.status")


def bootstrap_policies() -> str:
    """Give the rules before ratification: an owner may bring a charter in, nothing else."""
    return policy(
        "permit",
        "bootstrap.ratification",
        "Before a charter is ratified an owner may do this and nothing else can be done. "
        "Propose a charter and ratify it.",
        acts=_BOOTSTRAP,
        condition=f"principal.is_active && principal.roles.contains({quote(OWNER)})",
    )


def compile_policies(charter: Charter, actions: Mapping[str, str]) -> str:
    """Write the Cedar policies of `charter` for the acts that exist.

    Args:
        charter: a charter that `Charter.parse` read.
        actions: every act and query with its resource type, `{"dataset.read": "Dataset"}`.

    Raises:
        MalformedCharterError: a role or an approval names an act that does not exist.
    """
    policies = [
        *(_role(role, actions) for role in charter.roles.values()),
        *_general(charter, actions),
        *_content(charter, actions),
        *_reading(actions),
        *(
            each
            for data_class in charter.classes.values()
            for each in _data_class(data_class, actions)
        ),
        *_deciding(charter, actions),
        *emergency_policies(charter.emergency, actions),
    ]
    return "\n".join(policies)


def _role(role: Role, actions: Mapping[str, str]) -> str:
    acts: set[str] = set()
    for index, pattern in enumerate(role.may):
        matched = [
            act
            for act in actions
            if act == pattern or (pattern.endswith(".*") and act.startswith(pattern[:-1]))
        ]
        if not matched:
            raise _no_such_act(f"{join('roles', role.code)}.may[{index}]", pattern, actions)
        acts.update(matched)
    return policy(
        "permit",
        f"charter.role.{role.code}",
        f"The role {role.code} ({role.description.rstrip('. ')}) may do this: see may in "
        f"[roles.{role.code}].",
        acts=acts,
        condition=f"principal.roles.contains({quote(role.code)})",
    )


def _general(charter: Charter, actions: Mapping[str, str]) -> Iterator[str]:
    yield policy(
        "forbid",
        "charter.active",
        "You are not active here: your enrolment was revoked or never made. "
        "Ask an owner to enrol you (person.enrol).",
        acts=(),
        condition="!principal.is_active",
    )
    known = set_of(charter.purposes)
    proposed = "".join(
        f" ||\n  ({is_act(act)} && !{known}.containsAll(context.purposes))"
        for act in (_INGEST, _CLEAR)
        if act in actions
    )
    yield policy(
        "forbid",
        "charter.purpose.defined",
        "A purpose was named that the charter does not define in [purposes]. "
        f"Use one of {', '.join(charter.purposes)}, or propose a charter that defines yours.",
        acts=(),
        condition=f'(context.purpose != "" && !{known}.contains(context.purpose)){proposed}',
    )


def _content(charter: Charter, actions: Mapping[str, str]) -> Iterator[str]:
    acts = _content_acts(actions)
    if not acts:
        return
    yield policy(
        "forbid",
        "charter.clearance",
        "You are not cleared for every class of data that this carries: see classes in [roles] and "
        "clearances in [[people]]. Ask an owner to assign you a role that is cleared for it "
        "(person.assign), or work with data of a class that you are cleared for.",
        acts=acts,
        condition=f"!({_every_class_in('principal.clearances', acts)})",
    )
    yield policy(
        "forbid",
        "charter.class",
        "This carries a class of data that the charter does not define in [classes]. "
        f"Use one of {', '.join(charter.classes)}, or propose a charter that defines it.",
        acts=acts,
        condition=f"!({_every_class_in(set_of(charter.classes), acts)})",
    )
    on_datasets = [act for act, kind in acts.items() if kind == _ONE_CLASS]
    if on_datasets:
        yield policy(
            "forbid",
            "charter.not-erased",
            "This dataset was erased and its key destroyed: nothing can be done with it any more. "
            "Use another dataset; lineage.show tells what was derived from this one.",
            acts=on_datasets,
            condition="resource.is_erased",
        )


def _reading(actions: Mapping[str, str]) -> Iterator[str]:
    """Hold reads to the dataset's own purposes and places, and ingests to naming places."""
    if _READ in actions:
        yield policy(
            "forbid",
            "charter.purpose",
            "The dataset is not cleared for the purpose that you gave, or you gave none. Name a "
            "purpose of [purposes] that it is cleared for, or ask a steward to clear it for yours "
            "(dataset.clear).",
            acts=(_READ,),
            condition="!resource.purposes.contains(context.purpose)",
        )
        yield policy(
            "forbid",
            "charter.terms.days",
            "The terms that this dataset came under do not hold today: they ended, or begin later. "
            "Agree on new ones with its supplier and state them (dataset.set_terms).",
            acts=(_READ,),
            condition='resource.terms == "expired" || resource.terms == "coming"',
        )
        yield policy(
            "forbid",
            "charter.terms.purpose",
            "The terms that this dataset came under do not allow the purpose that you gave. Name "
            "one that they allow, or agree on others with its supplier and state them "
            "(dataset.set_terms).",
            acts=(_READ,),
            condition='resource.terms != "" && !resource.allowed.contains(context.purpose)',
        )
    conditions = []
    if _INGEST in actions:
        conditions.append(f"({is_act(_INGEST)} && context.residency.isEmpty())")
    if _READ in actions:
        conditions.append(
            f"({is_act(_READ)} && !(resource.residency.contains(context.site.jurisdiction) ||\n"
            f"    (resource.residency.contains({quote(EUROPEAN_UNION)}) &&\n"
            f"      {set_of(EU_MEMBERS)}.contains(context.site.jurisdiction))))"
        )
    if conditions:
        yield policy(
            "forbid",
            "charter.residency",
            "Every dataset names the places where it may be, and this site is not one of them, or "
            "it names none. Work at a site in one of its places, or ingest it with places that "
            "residency in [classes] allows.",
            acts=[act for act in (_INGEST, _READ) if act in actions],
            condition=" ||\n  ".join(conditions),
        )


def _data_class(rule: DataClass, actions: Mapping[str, str]) -> Iterator[str]:
    acts = _content_acts(actions)
    subject = f"Data of class {rule.code} ({rule.description.rstrip('. ')})"
    where = f"[classes.{rule.code}]"
    if acts:
        carries, places = _carries(rule.code, acts), set_of(expand(rule.residency))
        proposed = (
            f" ||\n  ({is_act(_INGEST)} && context.data_class == {quote(rule.code)} &&\n"
            f"    !{places}.containsAll(context.residency))"
            if _INGEST in acts
            else ""
        )
        yield policy(
            "forbid",
            f"charter.residency.{rule.code}",
            f"{subject} may be only in {', '.join(rule.residency)}: see residency in {where}. "
            "Use a site there, and ingest it for places among these.",
            acts=acts,
            condition=f"(({carries}) &&\n"
            f"    !{places}.contains(context.site.jurisdiction)){proposed}",
        )
        yield policy(
            "forbid",
            f"charter.operator.{rule.code}",
            f"{subject} may be only at sites operated by {', '.join(rule.operators)}: see "
            f"operators in {where}. Use such a site.",
            acts=acts,
            condition=f"({carries}) &&\n"
            f"    !{set_of(rule.operators)}.contains(context.site.operator)",
        )
        yield policy(
            "forbid",
            f"charter.tenancy.{rule.code}",
            f"{subject} may be only at sites with tenancy {', '.join(rule.tenancy)}: see tenancy "
            f"in {where}. Use such a site.",
            acts=acts,
            condition=f"({carries}) &&\n    !{set_of(rule.tenancy)}.contains(context.site.tenancy)",
        )
    computing = {act: acts[act] for act in _COMPUTING if act in acts}
    if computing:
        yield policy(
            "forbid",
            f"charter.isolation.{rule.code}",
            f"{subject} may be worked on only in isolation by {rule.isolation} or better: see "
            f"isolation in {where}. Install what this site lacks for it, or use another site.",
            acts=computing,
            condition=f"({_carries(rule.code, computing)}) &&\n"
            f"    context.isolation < {ISOLATION_LEVELS[rule.isolation]}",
        )


def _deciding(charter: Charter, actions: Mapping[str, str]) -> Iterator[str]:
    for approval in charter.approvals.values():
        path = join("approvals", approval.act)
        if approval.act not in actions:
            raise _no_such_act(path, approval.act, actions)
        yield policy(
            "forbid",
            f"charter.approvals.{approval.act.replace('.', '-')}",
            f"{approval.act} needs {approval.count} valid approval(s) by others who hold "
            f"{' or '.join(approval.roles)}: see [{path}]. Ask them to approve it (approval.give) "
            "and try again.",
            acts=(approval.act,),
            condition=f"context.approvals < {approval.count}",
        )
    if _PROMOTE in actions:
        yield policy(
            "forbid",
            "charter.gate",
            "Only a model that passed its gate is promoted: see [thresholds]. Evaluate it "
            "(evaluation.run); where it misses a threshold, train a better one.",
            acts=(_PROMOTE,),
            condition='resource.gate != "passed"',
        )
        yield policy(
            "forbid",
            "charter.trained-by",
            "Whoever trained a model does not promote it alone: at least one other person approves "
            "it, whatever [approvals] says. Ask a reviewer to approve it (approval.give).",
            acts=(_PROMOTE,),
            condition='resource.trained_by != "" && context.approvals < 1 && !context.trial',
        )


def _content_acts(actions: Mapping[str, str]) -> dict[str, str]:
    """Select the acts that use content, in order of name."""
    return {
        act: kind
        for act, kind in sorted(actions.items())
        if act == _INGEST
        or (kind in (_ONE_CLASS, *_MANY_CLASSES) and act.rpartition(".")[2] not in _WITHOUT_CONTENT)
    }


def _carries(data_class: str, acts: Mapping[str, str]) -> str:
    """Say in Cedar: what is acted on carries `data_class`."""
    code, kinds = quote(data_class), _kinds(acts)
    terms = []
    if _INGEST in acts:
        terms.append(f"({is_act(_INGEST)} && context.data_class == {code})")
    if _ONE_CLASS in kinds:
        terms.append(f"(resource is {_ONE_CLASS} && resource.data_class == {code})")
    terms += [
        f"(resource is {kind} && resource.classes.contains({code}))"
        for kind in _MANY_CLASSES
        if kind in kinds
    ]
    return " ||\n    ".join(terms)


def _every_class_in(allowed: str, acts: Mapping[str, str]) -> str:
    """Say in Cedar: each class that what is acted on carries is in the set `allowed`.

    An ingest is judged by the class it proposes: before it, its resource has none of its own.
    """
    kinds = _kinds({act: kind for act, kind in acts.items() if act != _INGEST})
    terms = []
    if _INGEST in acts:
        terms.append(f"({is_act(_INGEST)} && {allowed}.contains(context.data_class))")
    if _ONE_CLASS in kinds:
        other = f"action != {action(_INGEST)} && " if _INGEST in acts else ""
        terms.append(
            f"({other}resource is {_ONE_CLASS} && {allowed}.contains(resource.data_class))"
        )
    terms += [
        f"(resource is {kind} && {allowed}.containsAll(resource.classes))"
        for kind in _MANY_CLASSES
        if kind in kinds
    ]
    return " ||\n    ".join(terms)


def _kinds(acts: Mapping[str, str]) -> frozenset[str]:
    return frozenset(acts.values())


def _no_such_act(path: str, found: str, actions: Mapping[str, str]) -> MalformedCharterError:
    patterns = {f"{act.partition('.')[0]}.*" for act in actions}
    return MalformedCharterError(
        "charter.act",
        path,
        f"expected an act that exists; found {show(found)}",
        near(found, patterns.union(actions)),
    )
