"""The demo's letters: reproducible, varied, with findable personal data, hard but not too hard."""

from __future__ import annotations

import io
import re
from collections import Counter

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from freehold.data import Format, letters, read_table, split_rows, write_letters_csv

LETTERS = letters(1_200, 1)
FIRST = (
    "Dear Brightwater team,\n\n"
    "I hope this reaches the right department. "
    "Please pass on my thanks to the lady at the counter who was so patient.\n\n"
    "My bank details are GB59 FHLD 0472 9900 5932 40, in the name of Hugh Sandvale. "
    "My e-mail is hugh.sandvale@example.org and in the daytime I am on +44 7700 900084.\n\n"
    "Regards,\nHugh Sandvale"
)
TOPICS = {"billing", "delivery", "cancellation", "complaint", "praise"}


def test_the_same_seed_gives_the_same_letters_and_another_gives_others() -> None:
    assert letters(50, 1) == LETTERS[:50]
    assert letters(50, 2) != LETTERS[:50]


def test_a_letter_made_once_stays_the_same_for_ever() -> None:
    assert letters(1, 1)[0].text == FIRST


def test_no_two_letters_are_equal_and_every_topic_is_common() -> None:
    assert len({letter.text for letter in LETTERS}) == len(LETTERS)
    counts = Counter(letter.topic for letter in LETTERS)
    assert counts.keys() == TOPICS
    assert min(counts.values()) > len(LETTERS) / 10


def test_letters_come_in_three_languages() -> None:
    closings = Counter(letter.text.splitlines()[-2] for letter in LETTERS)
    for closing in ("Kind regards,", "Mit freundlichen Grüßen", "Atentamente,"):
        assert closings[closing] > 10


def test_no_slot_is_left_open() -> None:
    assert not [letter.text for letter in LETTERS if re.search(r"[{}]", letter.text)]


def test_what_was_planted_stands_in_the_letter() -> None:
    kinds: Counter[str] = Counter()
    for letter in LETTERS:
        assert len({planted.kind for planted in letter.planted}) == len(letter.planted)
        for planted in letter.planted:
            assert planted.value in letter.text
            kinds[planted.kind] += 1
    assert kinds["name"] == len(LETTERS)  # each is signed
    assert min(kinds[kind] for kind in ("email", "phone", "iban", "account")) > 100


def test_whatever_looks_personal_was_planted() -> None:
    for letter in LETTERS:
        values = {planted.value for planted in letter.planted}
        for pattern in (r"\S+@[\w.]+\w", r"\b[A-Z]{2}\d\d(?: \w{2,4}){4,5}\b", r"\b\d{10}\b"):
            assert set(re.findall(pattern, letter.text)) <= values


def test_addresses_lead_nowhere() -> None:
    for letter in LETTERS:
        for planted in letter.planted:
            if planted.kind == "email":
                assert re.fullmatch(r"[a-z]+\.[a-z]+\d*@example\.org", planted.value)


def test_ibans_have_the_length_of_their_country_and_a_right_checksum() -> None:
    lengths = {"GB": 22, "DE": 22, "ES": 24}
    seen = set()
    for letter in LETTERS:
        for planted in letter.planted:
            if planted.kind == "iban":
                iban = planted.value.replace(" ", "")
                assert len(iban) == lengths[iban[:2]]
                assert int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1
                seen.add(iban[:2])
    assert seen == lengths.keys()


def test_letters_survive_the_way_through_csv() -> None:
    stream = io.BytesIO()
    write_letters_csv(stream, LETTERS)
    table = read_table(stream, Format.CSV)
    assert table.columns == ["text", "topic"]
    assert table.rows() == [(letter.text, letter.topic) for letter in LETTERS]
    assert not stream.closed


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_plain_classifier_learns_most_topics_but_never_all(seed: int) -> None:
    written = letters(1_200, seed)
    topics = [letter.topic for letter in written]
    train, test = split_rows(len(written), seed=seed, holdout=0.25, labels=topics)
    vectors = TfidfVectorizer().fit([written[i].text for i in train])
    model = LogisticRegression(max_iter=1_000).fit(
        vectors.transform([written[i].text for i in train]), [topics[i] for i in train]
    )
    accuracy = model.score(
        vectors.transform([written[i].text for i in test]), [topics[i] for i in test]
    )
    assert 0.85 < accuracy < 0.97
