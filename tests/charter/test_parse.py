"""A charter is read strictly: what it may say, and how each slip is told."""

from __future__ import annotations

import base64
import hashlib
import re
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.charter import (
    COUNTRIES,
    EU_MEMBERS,
    Charter,
    CharterFileError,
    ContradictionError,
    EmergencyRules,
    IncompleteCharterError,
    MalformedCharterError,
    Threshold,
    check_complete,
    days_of_years,
    demo_charter,
    expand,
)
from freehold.kernel import check_name
from tests.charter.world import demo, demo_text, public_key


def test_a_charter_says_what_its_file_says() -> None:
    text = demo_text()
    charter = Charter.parse(text)
    assert charter.digest == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert Charter.parse(text.encode()) == charter
    assert charter.organisation.name == "Example Clinic"
    assert charter.site.jurisdiction == "NL"
    assert list(charter.classes) == ["public", "internal", "confidential", "health"]
    assert charter.rank("health") > charter.rank("internal")
    assert charter.purposes["diagnosis-support"].legal_basis == "public-task"
    assert charter.approvals["model.promote"].roles == ("reviewer",)
    assert charter.thresholds["accuracy"] == Threshold("accuracy", 0.85, None)
    assert charter.retention["logs"] == 3653
    assert [owner.code for owner in charter.owners] == ["olivia", "oscar"]
    assert charter.people["olivia"].ssh_key == public_key("olivia")


def test_every_code_may_stand_in_the_ledger() -> None:
    codes = demo().codes
    assert {"health", "steward", "research", "accuracy", "clara"} <= codes
    assert all(check_name(code) == code for code in codes)


def test_own_clearances_stand_instead_of_those_of_the_roles() -> None:
    charter = demo()
    assert charter.clearances("simon") == {"public", "internal"}
    assert charter.clearances("clara") == {"public", "internal", "confidential", "health"}


def test_the_highest_class_leaves_out_others_of_its_rank() -> None:
    second = demo_text().replace("rank = 20", "rank = 30")
    assert "confidential" not in Charter.parse(second).clearances("stella")


def test_the_comment_of_a_key_is_dropped() -> None:
    keys = {code: public_key(code) for code in ("oscar", "ravi")}
    charter = Charter.parse(demo_charter(keys | {"olivia": public_key("olivia") + " her laptop"}))
    assert charter.people["olivia"].ssh_key == public_key("olivia")


def test_the_eu_stands_for_its_members_and_not_for_the_eea() -> None:
    assert len(EU_MEMBERS) == 27
    assert EU_MEMBERS < COUNTRIES
    assert len(COUNTRIES) == 249
    assert set(expand(["EU", "IS"])) == EU_MEMBERS | {"EU", "IS"}
    assert not {"NO", "LI", "CH", "GB"} & set(expand(["EU"]))


@pytest.mark.parametrize(
    ("at_least", "at_most", "value", "is_met"),
    [
        (0.7, None, 0.7, True),
        (0.7, None, 0.69, False),
        (None, 0.1, 0.1, True),
        (None, 0.1, 0.11, False),
        (0.1, 0.2, 0.15, True),
        (0.1, None, float("nan"), False),
        (None, 0.1, float("nan"), False),
    ],
)
def test_a_threshold_is_met_within_its_bounds(
    at_least: float | None, at_most: float | None, value: float, is_met: bool
) -> None:
    assert Threshold("m", at_least, at_most).is_met_by(value) is is_met


@given(st.integers(1, 200), st.integers(1970, 2100))
def test_years_in_days_are_never_too_few(years: int, begins: int) -> None:
    span = datetime(begins + years, 3, 1, tzinfo=UTC) - datetime(begins, 3, 1, tzinfo=UTC)
    assert days_of_years(years) >= span.days


KEY_OF_OSCAR = public_key("oscar")
KEY_OF_OLIVIA = public_key("olivia")

# what is wrong: (replace this, by that), key path, what the message says
SLIPS: dict[str, tuple[str, str, str, str]] = {
    "a table that does not exist": (
        "[thresholds]",
        "[treshold]",
        "treshold",
        'did you mean "thresholds"?',
    ),
    "a key that does not exist": (
        "jurisdictions = ",
        "jurisdiction = ",
        "organisation.jurisdiction",
        'found "jurisdiction" (did you mean "jurisdictions"?)',
    ),
    "a missing key": ('tenancy = "dedicated"', "", "site.tenancy", "expected this key"),
    "text where a flag belongs": (
        "vendors = true",
        'vendors = "yes"',
        "classes.public.vendors",
        'expected true or false; found "yes"',
    ),
    "a flag where a number belongs": (
        "rank = 10",
        "rank = true",
        "classes.internal.rank",
        "expected a whole number; found true",
    ),
    "a rank below zero": ("rank = 10", "rank = -1", "classes.internal.rank", "from 0 to 1000"),
    "a regulation in capitals": (
        '"eu-ai-act", "gdpr"',
        '"EU-AI-Act"',
        "organisation.regulations[0]",
        'did you mean "eu-ai-act"?',
    ),
    "a country that is none": (
        'residency = ["EU", "CH", "GB", "US"]',
        'residency = ["EU", "UK"]',
        "classes.public.residency[1]",
        'such as "DE", or "EU" for its members; found "UK"',
    ),
    "a site in a union": (
        'jurisdiction = "NL"',
        'jurisdiction = "EU"',
        "site.jurisdiction",
        'expected one country, an ISO 3166-1 alpha-2 code such as "DE"; found "EU"',
    ),
    "a site in lower case": (
        'jurisdiction = "NL"',
        'jurisdiction = "nl"',
        "site.jurisdiction",
        'did you mean "NL"?',
    ),
    "an isolation that is none": (
        'isolation = "process"\ndescription = "Staff',
        'isolation = "namespace"\ndescription = "Staff',
        "classes.confidential.isolation",
        "expected one of process, namespaces, bubblewrap; found "
        '"namespace" (did you mean "namespaces"?)',
    ),
    "an empty rule": (
        'tenancy = ["dedicated", "shared"]\nvendors = true',
        "tenancy = []\nvendors = true",
        "classes.public.tenancy",
        "expected at least one entry; found an empty list",
    ),
    "an empty table": ("accuracy = 0.85", "", "thresholds", "found an empty table"),
    "the same entry twice": (
        'roles = ["owner", "reviewer"]',
        'roles = ["owner", "owner"]',
        'approvals."policy.activate".roles[1]',
        '"owner" stands there twice',
    ),
    "a code with a space": (
        "[purposes.research]",
        '[purposes."pure research"]',
        'purposes."pure research"',
        "expected a code of lower-case letters",
    ),
    "a legal basis that is none": (
        'legal_basis = "consent"',
        'legal_basis = "consnet"',
        "purposes.research.legal_basis",
        'did you mean "consent"?',
    ),
    "a role cleared for an undefined class": (
        'classes = "internal"',
        'classes = "internall"',
        "roles.scientist.classes",
        "expected a code that [classes] defines (public, internal, confidential, health); "
        'found "internall" (did you mean "internal"?)',
    ),
    "an approval by an undefined role": (
        'roles = ["reviewer"]\n\n[approvals."policy',
        'roles = ["revewer"]\n\n[approvals."policy',
        'approvals."model.promote".roles[0]',
        'did you mean "reviewer"?',
    ),
    "a person with an undefined role": (
        'roles = ["auditor"]',
        'roles = ["adutor"]',
        "people[8].roles[0]",
        'did you mean "auditor"?',
    ),
    "a person cleared for an undefined class": (
        'clearances = "health"',
        'clearances = ["public", "helth"]',
        "people[3].clearances[1]",
        'did you mean "health"?',
    ),
    "a pattern over everything": (
        '"dataset.*", "approval',
        '"*", "approval',
        "roles.steward.may[0]",
        'expected an act such as "dataset.ingest", or "dataset.*"',
    ),
    "no role of owner": (
        "[roles.owner]",
        "[roles.owners]",
        "roles.owner",
        'expected this role, whose holders ratify the charter; found none (did you mean "owners"?)',
    ),
    "an act without its quotes": (
        '[approvals."model.promote"]',
        "[approvals.model.promote]",
        "approvals.model",
        'the act stands in quotes: [approvals."model.promote"]',
    ),
    "an approval by nobody": (
        "count = 1",
        "count = 0",
        'approvals."model.promote".count',
        "expected a whole number from 1",
    ),
    "a threshold that is no number": (
        "accuracy = 0.85",
        "accuracy = nan",
        "thresholds.accuracy",
        "expected a finite number",
    ),
    "a threshold beyond every number": (
        "accuracy = 0.85",
        "accuracy = 1" + "0" * 400,
        "thresholds.accuracy",
        "expected a finite number",
    ),
    "a threshold that is text": (
        "accuracy = 0.85",
        'accuracy = "high"',
        "thresholds.accuracy",
        'expected a number; found "high"',
    ),
    "bounds the wrong way round": (
        "accuracy = 0.85",
        "accuracy = { at_least = 0.9, at_most = 0.1 }",
        "thresholds.accuracy",
        "at_least no greater than at_most",
    ),
    "a period in weeks": (
        '"184 days"',
        '"26 weeks"',
        "retention.decisions",
        'expected a period such as "184 days" or "10 years"; found "26 weeks"',
    ),
    "a kind of record that is not kept": (
        'decisions = "184 days"',
        'decision = "184 days"',
        "retention.decision",
        'did you mean "decisions"?',
    ),
    "the same person twice": ('id = "oscar"', 'id = "olivia"', "people[1].id", "twice"),
    "the same key twice": (
        KEY_OF_OSCAR,
        KEY_OF_OLIVIA,
        "people[1].ssh_key",
        'found the key of "olivia" (with a shared key one person could approve as two)',
    ),
    "an owner without a key": (
        f'ssh_key = "{KEY_OF_OLIVIA}"',
        "",
        "people[0].ssh_key",
        "expected this key",
    ),
    "a key of another kind": (
        KEY_OF_OLIVIA,
        "ssh-rsa AAAAB3NzaC1yc2E=",
        "people[0].ssh_key",
        "make one with: ssh-keygen -t ed25519 (ed25519-sk for a security key)",
    ),
    "a key that is cut off": (
        KEY_OF_OLIVIA,
        KEY_OF_OLIVIA[:-8],
        "people[0].ssh_key",
        "expected an OpenSSH Ed25519 public key",
    ),
    "a name with a terminal's escape": (
        'Example Clinic"',
        'Example\\u001b[2J Clinic"',
        "organisation.name",
        "expected text without control characters",
    ),
    "a blank description": (
        'description = "For everybody at the clinic."',
        'description = " "',
        "classes.internal.description",
        "expected text that is not blank",
    ),
    "an emergency role that is none": (
        'roles = ["steward", "operator"]',
        'roles = ["steward", "operators"]',
        "emergency.roles[1]",
        'found "operators"',
    ),
    "an emergency role that enrols": (
        'roles = ["steward", "operator"]',
        'roles = ["steward", "owner"]',
        "emergency.roles[1]",
        '"owner" may person.enrol',
    ),
    "an emergency alone and by two": (
        "alone = false",
        "alone = true",
        "emergency.alone",
        "found both",
    ),
    "an emergency by two that nobody approves": (
        '[approvals."access.break_glass"]',
        '[approvals."access.end"]',
        "emergency.alone",
        "found neither",
    ),
    "an emergency of more than a day": (
        "minutes_max = 240",
        "minutes_max = 1441",
        "emergency.minutes_max",
        "from 1 to 1440",
    ),
    "an emergency that is never reviewed": (
        "review_days = 7",
        "review_days = 0",
        "emergency.review_days",
        "from 1 to 90",
    ),
    "an emergency without a word on who": (
        'who = ["owner", "steward", "operator"]',
        "",
        "emergency.who",
        "expected this key",
    ),
    "reviews that nobody lives to see": (
        "every_days = 366",
        "every_days = 4000",
        "reviews.every_days",
        "from 1 to 1096",
    ),
    "people that are one table": ("[[people]]", "[people]", "", "expected TOML in UTF-8"),
    "a person that is no table": (
        "[organisation]",
        'people = ["olivia"]\n[organisation]',
        "",
        "expected TOML in UTF-8",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_told_by_its_path_with_what_was_expected(slip: str) -> None:
    before, after, path, told = SLIPS[slip]
    text = demo_text()
    assert before in text
    with pytest.raises(CharterFileError, match=re.escape(told)) as caught:
        Charter.parse(text.replace(before, after, 1))
    assert caught.value.path == path
    assert caught.value.message.startswith(f"charter: {path}" if path else "charter: expected")
    assert caught.value.code.startswith("charter.")


# listed regulation, retention that is too short, the article that says so
TOO_SHORT = {
    "AI Act, logs": ("eu-ai-act", "logs", "183 days", "AI Act, Art. 19(1) and 26(6)"),
    "AI Act, documents": ("eu-ai-act", "documents", "9 years", "AI Act, Art. 18(1)"),
    "PCI DSS, logs": ("pci-dss", "logs", "365 days", "PCI DSS, 10.5.1"),
    "HIPAA, logs": ("hipaa", "logs", "5 years", "45 CFR 164.316(b)(2)(i)"),
    "HIPAA, documents": ("hipaa", "documents", "2191 days", "45 CFR 164.316(b)(2)(i)"),
}


@pytest.mark.parametrize("case", TOO_SHORT)
def test_a_retention_below_a_listed_regulation_is_refused_with_the_article(case: str) -> None:
    regulation, kind, period, article = TOO_SHORT[case]
    text = re.sub(rf"(?m)^{kind} = \"[^\"]*\"", f'{kind} = "{period}"', demo_text())
    only = text.replace('"eu-ai-act", "gdpr"', f'"{regulation}"')
    with pytest.raises(ContradictionError, match=re.escape(article)) as caught:
        Charter.parse(only)
    assert caught.value.path == f"retention.{kind}"
    Charter.parse(text.replace('"eu-ai-act", "gdpr"', '"x-our-own"'))


@pytest.mark.parametrize(
    ("regulation", "kind", "period"),
    [
        ("eu-ai-act", "logs", "184 days"),
        ("eu-ai-act", "documents", "10 years"),
        ("pci-dss", "logs", "1 year"),
        ("hipaa", "documents", "6 years"),
    ],
)
def test_a_retention_of_just_what_is_demanded_is_accepted(
    regulation: str, kind: str, period: str
) -> None:
    text = re.sub(rf"(?m)^{kind} = \"[^\"]*\"", f'{kind} = "{period}"', demo_text())
    Charter.parse(text.replace('"eu-ai-act", "gdpr"', f'"{regulation}"'))


def test_a_private_key_is_refused_and_never_repeated() -> None:
    secret = "-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXktdjEA"
    with pytest.raises(MalformedCharterError, match="treat the private key as lost") as caught:
        Charter.parse(demo_text().replace(public_key("olivia"), secret))
    assert "b3BlbnNzaC1" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [b"\xff", "= 1", "x = " + "[" * 5_000, "site" + ".a" * 5_000 + " = 1", "a = '\udc80'"],
    ids=["not UTF-8", "not TOML", "deep lists", "deep tables", "a lone surrogate"],
)
def test_what_is_no_toml_is_refused(text: str | bytes) -> None:
    with pytest.raises(MalformedCharterError, match="UTF-8"):
        Charter.parse(text)


def test_a_file_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedCharterError, match="at most 1048576 bytes"):
        Charter.parse(b"#" * 1_048_577)


@given(st.data())
def test_any_value_in_any_place_is_read_or_refused_and_never_crashes(data: st.DataObject) -> None:
    lines = demo_text().splitlines()
    places = [i for i, line in enumerate(lines) if re.match(r"[a-z_]+ = ", line)]
    place = data.draw(st.sampled_from(places))
    value = data.draw(
        st.sampled_from(["1", "-1", "0.5", "inf", "true", '""', '"x"', "[]", "{}", "[[1]]"])
        | st.sampled_from(["[{}]", "1979-05-27", "07:32:00", "[1, 'a']", "{ a = 1 }", "['a', 'a']"])
    )
    lines[place] = f"{lines[place].split(' = ')[0]} = {value}"
    with suppress(CharterFileError):
        Charter.parse("\n".join(lines))


def test_a_complete_charter_passes_as_a_trial_and_in_earnest() -> None:
    check_complete(demo(), trial=False)
    check_complete(demo(), trial=True)


def test_emergencies_and_reviews_are_as_their_tables_say() -> None:
    charter = demo()
    assert charter.emergency == EmergencyRules(
        roles=("steward", "operator"),
        who=("owner", "steward", "operator"),
        alone=False,
        minutes_max=240,
        review_days=7,
    )
    assert charter.reviews_days == 366
    text = re.sub(r"(?m)^(minutes_max|review_days) = .*$", "", demo_text())
    rules = Charter.parse(text).emergency
    assert rules is not None
    assert (rules.minutes_max, rules.review_days) == (240, 7)
    none = Charter.parse(re.sub(r"(?ms)^\[emergency\].*?(?=^# ---- Thresholds)", "", demo_text()))
    assert (none.emergency, none.reviews_days) == (None, None)


def test_one_owner_is_enough_for_a_trial_alone() -> None:
    text = demo_text().replace('roles = ["owner"]\nssh_key', 'roles = ["steward"]\nssh_key', 1)
    one = Charter.parse(text.replace('roles = ["owner"]\n\n#', 'roles = ["reviewer"]\n\n#'))
    assert len(one.owners) == 1
    check_complete(one, trial=True)
    with pytest.raises(IncompleteCharterError, match="at least 2 with the role owner; found 1"):
        check_complete(one, trial=False)


def test_a_trial_of_one_person_needs_no_approvals() -> None:
    rules = re.sub(r'(?ms)^\[approvals\."dataset.*?(?=^# ---- Thresholds)', "", demo_text())
    rules = re.sub(r'(?ms)^\[approvals\.".*?(?=^# ---- Thresholds)', "", rules)
    alone = Charter.parse(rules[: rules.index('[[people]]\nname = "Oscar')])
    assert list(alone.people) == ["olivia"]
    assert not alone.approvals
    check_complete(alone, trial=True)


def test_the_key_of_a_security_key_is_as_good_as_one_in_a_file():
    kind, point, application = b"sk-ssh-ed25519@openssh.com", bytes(range(32)), b"ssh:"
    parts = (len(part).to_bytes(4) + part for part in (kind, point, application))
    key = f"{kind.decode()} {base64.b64encode(b''.join(parts)).decode()}"
    charter = Charter.parse(demo_text().replace(KEY_OF_OLIVIA, f"{key} olivia@desk"))
    assert charter.people["olivia"].ssh_key == key


INCOMPLETE = {
    "nobody who may change the charter": ('"charter.*"', '"charter.show"', "who may charter.prop"),
    "nobody who may enrol": (
        '"person.*"',
        '"person.list"',
        "expected every owner to be allowed person.enrol",
    ),
    "no approval of promotions": (
        '[approvals."model.promote"]',
        '[approvals."model.retire"]',
        'approvals."model.promote": expected at least one approval by another person',
    ),
    "more approvals than people": (
        'count = 1\nroles = ["reviewer"]',
        'count = 2\nroles = ["reviewer"]',
        'approvals."model.promote": expected at least 2 other than who asks',
    ),
    "an approver without a key": (
        f'ssh_key = "{public_key("ravi")}"',
        "",
        'approvals."model.promote": expected at least 1 other than who asks',
    ),
    "an approver who may not approve": (
        '"approval.give", "policy.show"',
        '"policy.show"',
        "have an ssh_key and may approval.give; found 0",
    ),
}


@pytest.mark.parametrize("case", INCOMPLETE)
def test_a_charter_nobody_could_live_by_is_refused(case: str) -> None:
    before, after, told = INCOMPLETE[case]
    text = demo_text()
    assert before in text
    with pytest.raises(IncompleteCharterError, match=re.escape(told)) as caught:
        check_complete(Charter.parse(text.replace(before, after, 1)), trial=False)
    assert caught.value.hint


def test_an_emergency_that_nobody_else_could_review_is_refused() -> None:
    text = re.sub(r'"access.review_emergency",\s*', "", demo_text())
    with pytest.raises(IncompleteCharterError, match="found 0 who may at all"):
        check_complete(Charter.parse(text), trial=True)
    mine = text.replace('"access.show", "access.end"', '"access.review_emergency", "access.end"', 1)
    one = mine.replace('roles = ["owner"]\nssh_key', 'roles = ["steward"]\nssh_key', 1)
    with pytest.raises(IncompleteCharterError, match="found 1 who may at all"):
        check_complete(Charter.parse(one), trial=True)


def test_whoever_asks_does_not_count_among_the_approvers() -> None:
    rule = '[approvals."custody.rotate"]\ncount = '
    two = demo_text().replace(f"{rule}1", f"{rule}2")
    check_complete(Charter.parse(two), trial=False)  # the operator asks, both owners approve
    owners_alone = two.replace('"evaluation.show", "custody.rotate", ', '"evaluation.show", ')
    assert owners_alone != two
    with pytest.raises(IncompleteCharterError, match="at least 2 other than who asks"):
        check_complete(Charter.parse(owners_alone), trial=False)
