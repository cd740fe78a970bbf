"""The charter to begin with, and the charter of the demonstration.

`template` is written for a person who edits it: every key is explained in a line, and what only
they can know is marked REPLACE, so that the parser refuses it until then.
`demo_charter` is complete.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from string import Template
from types import MappingProxyType

_HEAD = """\
# The charter
#
# It says what an organisation requires of its AI, before any tool is chosen. Once the owners have
# ratified it, Freehold enforces it: each rule below becomes a policy that permits or refuses.
#
# Codes (like "internal" or "steward") are lower-case letters, digits, '.', '_' and '-'. They may
# stand in the ledger for ten years; names and descriptions never do.
"""

_ORGANISATION = """
[organisation]
name = $organisation
# Countries whose law binds you: ISO 3166 alpha-2 codes, or "EU" for its 27 members.
# Iceland, Liechtenstein and Norway (EEA) are not in "EU": add "IS", "LI", "NO" if you mean them.
jurisdictions = ["EU"]
# Regulations you answer to. Known: eu-ai-act, gdpr, hipaa, pci-dss, nist-ai-rmf, iso-42001, eu-csf,
# bsi-c3a. Your own begin with "x-", as "x-works-agreement".
regulations = ["eu-ai-act", "gdpr"]

[site]
jurisdiction = $jurisdiction   # the country where your home site stands
operator = "own"      # who runs it: "own", or the code of a supplier
tenancy = "dedicated" # dedicated (your machines alone) or shared
connectivity = "guarded" # connected, guarded (declared destinations only) or air-gapped
"""

_CLASSES_NOTE = """
# ---- Classes of data: rules that every copy carries along, and every model that learns from it
# rank         higher is more sensitive; a person cleared for one class may be cleared for all below
# residency    countries (or "EU") where it may be stored and worked on
# operators    who may run a site that holds it: "own", or codes of suppliers
# tenancy      dedicated, shared or both
# vendors      may it be sent to a vendor's model?
# isolation    the least isolation of work on it: process, namespaces or bubblewrap (the strongest)
"""

_CLASSES = """
[classes.public]
rank = 0
residency = ["EU", "IS", "LI", "NO", "CH", "GB", "US"]
operators = ["own"]
tenancy = ["dedicated", "shared"]
vendors = true
isolation = "process"
description = "Published, or fit to be published."

[classes.internal]
rank = 10
residency = ["EU"]
operators = ["own"]
tenancy = ["dedicated", "shared"]
vendors = false
isolation = "namespaces"
description = "For everybody in the organisation; its loss would be a nuisance."

[classes.confidential]
rank = 20
residency = ["EU"]
operators = ["own"]
tenancy = ["dedicated"]
vendors = false
isolation = "namespaces"
description = "Personal data and business secrets; its loss would do harm."

[classes.restricted]
rank = 30
residency = ["EU"]
operators = ["own"]
tenancy = ["dedicated"]
vendors = false
isolation = "bubblewrap"
description = "Special categories of personal data (GDPR Art. 9) and what could sink the firm."
"""

_PURPOSES = """
# ---- Purposes: data is used only for a purpose that it is cleared for
# legal_basis  optional, GDPR Art. 6(1): consent, contract, legal-obligation, vital-interests,
#              public-task or legitimate-interests

[purposes.customer-service]
description = "Answer and route what customers ask."
legal_basis = "contract"

[purposes.service-improvement]
description = "Find and mend what goes wrong in our own services."
legal_basis = "legitimate-interests"

[purposes.research]
description = "Learn whether a method works at all; nothing goes into production."
"""

_ROLES = """
# ---- Roles: what people do here. Whatever no role may do, nobody can do.
# may      acts, as "dataset.ingest", or "dataset.*" for all on datasets
# classes  the highest class that holders are cleared for ("internal": it and all of lower rank),
#          or a list of exactly those classes

[roles.owner]
description = "Answers for the estate: ratifies the charter, enrols people, holds the keys."
may = [
  "estate.*", "charter.*", "policy.*", "person.*", "token.*", "approval.give", "custody.rotate",
  "recovery.*", "access.show", "access.end", "access.review_emergency", "access.review_open",
  "access.review_decide", "access.review_close", "vault.collect", "evidence.export", "ledger.*",
  "backup.*", "stamp.*", "stream.*", "witness.*",
  "dataset.list", "dataset.show", "model.list",
  "model.show", "run.list", "run.show", "evaluation.show", "deployment.list", "lineage.show",
]
classes = "$middle"

[roles.steward]
description = "Brings data in, classifies it, clears it for purposes, erases it."
may = [
  "dataset.*", "approval.give", "lineage.show", "ledger.receipt", "model.list", "model.show",
  "run.list", "run.show", "estate.status", "charter.show", "policy.explain",
]
classes = "$highest"

[roles.scientist]
description = "Trains, evaluates and compares models."
may = [
  "dataset.list", "dataset.show", "dataset.read", "model.train", "model.register", "model.submit",
  "model.list", "model.show", "run.list", "run.show", "evaluation.plan", "evaluation.run",
  "evaluation.show", "deployment.list", "lineage.show", "ledger.receipt", "estate.status",
  "charter.show", "policy.explain",
]
classes = "internal"

[roles.reviewer]
description = "Risk, compliance, data protection: approves promotions, policies and exceptions."
may = [
  "approval.give", "policy.show", "policy.explain", "policy.test", "policy.simulate",
  "evidence.export", "estate.retention", "estate.hold", "estate.release",
  "decision.read", "dataset.list", "dataset.show", "model.list", "model.show", "run.list",
  "run.show", "evaluation.show", "deployment.list", "lineage.show", "ledger.*", "witness.list",
  "person.list",
  "estate.status", "charter.show", "recovery.show", "access.show", "access.review_emergency",
  "access.review_open", "access.review_decide", "access.review_close",
]
classes = "$highest"

[roles.operator]
description = "Promotes what was approved, runs deployments, keeps keys and storage in order."
may = [
  "model.promote", "model.retire", "model.fetch", "model.list", "model.show", "deployment.*",
  "evaluation.show", "custody.rotate", "vault.collect", "estate.audit", "estate.prune",
  "estate.clock", "estate.retention",
  "ledger.*", "backup.*", "stamp.*", "stream.*", "witness.*",
  "run.list", "run.show", "lineage.show", "estate.status", "charter.show", "policy.explain",
]
classes = "$highest"

[roles.developer]
description = "Builds an application that asks the deployed models."
may = [
  "decision.answer", "deployment.list", "model.list", "model.show", "ledger.receipt",
  "estate.status", "charter.show", "policy.explain",
]
classes = "$asking"

[roles.auditor]
description = "Checks everything and changes nothing."
may = [
  "ledger.*", "evidence.export", "lineage.show", "stream.list", "stream.read", "witness.list",
  "stamp.list", "stamp.show",
  "dataset.list", "dataset.show", "model.list", "model.show", "run.list", "run.show",
  "evaluation.show", "deployment.list", "person.list",
  "policy.explain", "policy.test", "policy.simulate",
  "estate.status", "estate.audit", "estate.clock", "estate.retention",
  "charter.show", "recovery.show", "access.show",
]
classes = "internal"
"""

_RULES = """
# ---- Approvals: acts that wait for others. count people, never the one who asks, who hold one of
# roles, each with a signature of their own key. The act stands in quotes.

[approvals."model.promote"]
count = 1
roles = ["reviewer"]

[approvals."policy.activate"]
count = 1
roles = ["owner", "reviewer"]

[approvals."dataset.erase"]
count = 1
roles = ["owner", "reviewer"]

[approvals."custody.rotate"]
count = 1
roles = ["owner"]

[approvals."recovery.set_up"]
count = 1
roles = ["owner", "reviewer"]

[approvals."recovery.revoke"]
count = 1
roles = ["owner", "reviewer"]

[approvals."access.break_glass"]
count = 1
roles = ["owner", "reviewer"]

# ---- Emergencies: a role taken for a time by somebody who does not hold it. Everything done
# meanwhile is marked; another person reviews it. Without this table nobody can do it.
# roles        that may be taken; never one that may enrol, assign, issue tokens or set up recovery
# who          holders of these roles may take one
# alone        false: with the approvals above; true: without any (then delete that table)
# minutes_max  optional: for how long at most, 240 unless you say otherwise, never over 1440
# review_days  optional: within how many days another person reviews it, 7 unless you say otherwise

[emergency]
roles = ["steward", "operator"]
who = ["owner", "steward", "operator"]
alone = false
minutes_max = 240
review_days = 7

# ---- Reviews of access: every_days somebody looks at what each person and service may still do

[reviews]
every_days = 366

[approvals."estate.accept_clock"]
count = 1
roles = ["owner", "reviewer"]

# ---- Thresholds: what a model must reach to be promoted. A number is a minimum;
# { at_least = 0.7, at_most = 1.0 } gives either bound or both.

[thresholds]
accuracy = $accuracy

# ---- Retention, in days or years. Less than a regulation listed above demands is refused.
# What is past it is removed every day, and what is under a legal hold stays. Records of people,
# rules, data and models, and all refusals, are never removed.

[retention]
logs = "10 years"      # ledger and event logs: AI Act Art. 19 and 26(6) six months, PCI DSS 12
                       # months, HIPAA 6 years
documents = "10 years" # technical documentation, model cards, evaluations: AI Act Art. 18
decisions = "184 days" # prompts, answers and their evidence: as short as your duties allow;
                       # their records, without these words, stay for as long as logs
"""

_PEOPLE_NOTE = """
# ---- People: at least two owners, so that no one person can change the rules alone.
# id          a code of their own; it stands in no ledger, their user id does
# roles       roles defined above
# clearances  optional: a class or a list, instead of what the roles give
# ssh_key     the line of their .pub file (ssh-keygen -t ed25519); owners and approvers need one
# unit        optional: the code of their department
"""

_PEOPLE = """
[[people]]
name = "REPLACE with the first owner's name"
id = "REPLACE"
roles = ["owner"]
ssh_key = "REPLACE with ssh-ed25519 AAAA..."

[[people]]
name = "REPLACE with the second owner's name"
id = "REPLACE"
roles = ["owner"]
ssh_key = "REPLACE with ssh-ed25519 AAAA..."

[[people]]
name = "REPLACE with a reviewer's name"
id = "REPLACE"
roles = ["reviewer"]
ssh_key = "REPLACE with ssh-ed25519 AAAA..."
"""

_DEMO_CLASSES = """
[classes.public]
rank = 0
residency = ["EU", "CH", "GB", "US"]
operators = ["own"]
tenancy = ["dedicated", "shared"]
vendors = true
isolation = "process"
description = "Published, or fit to be published."

[classes.internal]
rank = 10
residency = ["EU"]
operators = ["own"]
tenancy = ["dedicated", "shared"]
vendors = false
isolation = "process"
description = "For everybody at the clinic."

[classes.confidential]
rank = 20
residency = ["EU"]
operators = ["own"]
tenancy = ["dedicated"]
vendors = false
isolation = "process"
description = "Staff and business data."

[classes.health]
rank = 30
residency = ["EU"]
operators = ["own"]
tenancy = ["dedicated"]
vendors = false
isolation = "$isolation"
description = "Patients' health data (GDPR Art. 9)."
"""

_DEMO_PURPOSES = """
# ---- Purposes: data is used only for a purpose that it is cleared for

[purposes.diagnosis-support]
description = "Help physicians to find what a patient may have."
legal_basis = "public-task"

[purposes.service-improvement]
description = "Shorten waiting times and mend what goes wrong."
legal_basis = "legitimate-interests"

[purposes.research]
description = "Learn whether a method works at all."
legal_basis = "consent"
"""

# code: name, role, clearances (or those of the role), unit
_DEMO = {
    "olivia": ("Olivia Owner", "owner", "", "board"),
    "oscar": ("Oscar Owner", "owner", "", "board"),
    "stella": ("Stella Steward", "steward", "", "data"),
    "clara": ("Clara Cleared, scientist", "scientist", "health", "data"),
    "simon": ("Simon Scientist, not cleared for health data", "scientist", "", "data"),
    "ravi": ("Ravi Reviewer", "reviewer", "", "compliance"),
    "otto": ("Otto Operator", "operator", "", "it"),
    "dana": ("Dana Developer", "developer", "", "it"),
    "ada": ("Ada Auditor", "auditor", "", "audit"),
}

DEMO_PEOPLE: Mapping[str, str] = MappingProxyType(
    {code: role for code, (_, role, _, _) in _DEMO.items()}
)


def template(organisation: str = "REPLACE with the name of your organisation") -> str:
    """Give a complete, commented charter to edit, for a mid-sized firm in the EU.

    `Charter.parse` refuses it, with the places, until each REPLACE is replaced.
    """
    text = _HEAD + _ORGANISATION + _CLASSES_NOTE + _CLASSES + _PURPOSES + _ROLES + _RULES
    return Template(text + _PEOPLE_NOTE + _PEOPLE).substitute(
        organisation=_toml(organisation),
        jurisdiction=_toml("REPLACE"),
        middle="confidential",
        highest="restricted",
        asking="confidential",
        accuracy="0.7",
    )


def demo_charter(
    keys: Mapping[str, str], *, isolation: str = "process", accuracy: float = 0.85
) -> str:
    """Give the charter of the fictional Example Clinic.

    Args:
        keys: SSH public keys by the codes of `DEMO_PEOPLE`; owners and approvers need theirs.
        isolation: the lowest level acceptable for health data, a key of `ISOLATION_LEVELS`.
        accuracy: the least accuracy of a model that is promoted.

    Raises:
        ValueError: a key for nobody in `DEMO_PEOPLE`.
    """
    unknown = sorted(set(keys) - set(_DEMO))
    if unknown:
        raise ValueError(f"no such person in the demonstration: {', '.join(unknown)}")
    text = _HEAD + _ORGANISATION + _CLASSES_NOTE + _DEMO_CLASSES + _DEMO_PURPOSES + _ROLES + _RULES
    return (
        Template(text).substitute(
            organisation=_toml("Example Clinic"),
            jurisdiction=_toml("NL"),
            middle="confidential",
            highest="health",
            asking="health",
            accuracy=repr(float(accuracy)),
            isolation=isolation,
        )
        + _PEOPLE_NOTE
        + "".join(_demo_person(code, keys.get(code)) for code in _DEMO)
    )


def _demo_person(code: str, key: str | None) -> str:
    name, role, clearances, unit = _DEMO[code]
    lines = [
        "",
        "[[people]]",
        f"name = {_toml(name)}",
        f"id = {_toml(code)}",
        f"roles = [{_toml(role)}]",
        *([f"clearances = {_toml(clearances)}"] if clearances else []),
        *([f"ssh_key = {_toml(key)}"] if key is not None else []),
        f"unit = {_toml(unit)}",
    ]
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    """Write a TOML basic string; JSON's escapes of ASCII text are TOML's, but for U+007F."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
