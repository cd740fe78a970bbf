"""Real labels: five votes on suspected errors of IMDB, and 77 intents of a bank's users."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from freehold.data.labelling import (
    AllowedLabel,
    Guideline,
    How,
    Label,
    LabelLayer,
    Ratings,
    Session,
    agreement_by_annotator,
    assign_rows,
    cohen_kappa,
    confidence_interval,
    dawid_skene,
    fleiss_kappa,
    hardest_rows,
    krippendorff_alpha,
    percent_agreement,
    read_label_layer,
    read_labels_csv,
    resolve_by_votes,
    sample_stratified,
    sample_uncertain,
    write_labels_csv,
)

VOTES = ("given", "guessed", "neutral", "off-topic")


@pytest.fixture(scope="module")
def imdb(shared_data: Path) -> Ratings:
    """The votes; the file has them as counts, without the voters."""
    found = json.loads((shared_data / "label-errors-imdb" / "imdb_mturk.json").read_text())
    counts = np.array([[each["mturk"][vote] for vote in VOTES] for each in found])
    return Ratings.from_counts([each["id"] for each in found], counts, VOTES)


@pytest.fixture(scope="module")
def bank(shared_data: Path) -> tuple[pl.DataFrame, Guideline]:
    """The queries with their intents, and a guideline of the 77 intents."""
    folder = shared_data / "support-banking77"
    names = json.loads((folder / "categories.json").read_text())
    labels = tuple(AllowedLabel(name, name.replace("_", " ")) for name in names)
    frame = pl.read_csv(folder / "train.csv")
    return frame.with_row_index("row").cast({"row": pl.String}), Guideline(1, "What?", labels)


def test_five_votes_agree_as_a_naive_count_finds(imdb: Ratings):
    table = imdb.counts().astype(int).tolist()
    agreeing = sum(n * (n - 1) for row in table for n in row) / (len(table) * 20)
    shares = [sum(row[value] for row in table) / (len(table) * 5) for value in range(4)]
    expected = sum(share**2 for share in shares)
    assert percent_agreement(imdb) == pytest.approx(agreeing)
    assert fleiss_kappa(imdb) == pytest.approx((agreeing - expected) / (1 - expected))


def test_the_agreement_of_five_votes_is_slight(imdb: Ratings):
    found = confidence_interval(imdb, krippendorff_alpha, seed=1, resamples=500)
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(fleiss_kappa(imdb), abs=1e-3)  # they meet as rows grow
    assert (round(percent_agreement(imdb), 3), round(found.value, 3)) == (0.404, 0.106)


def test_votes_uphold_as_many_labels_as_the_source_counts(imdb: Ratings):
    upheld = imdb.counts()[:, 0]
    assert (upheld < 3).sum() == 725
    found = resolve_by_votes(imdb)
    by_majority = [each for each in found if each.how in (How.MAJORITY, How.UNANIMOUS)]
    assert sum(each.labels == ("given",) for each in by_majority) == 1_310 - 725
    hardest = hardest_rows(imdb, 1)[0]
    assert hardest.disagreement == pytest.approx(0.9)
    assert sorted(count for _, count in hardest.votes) == [1, 1, 1, 2]


def test_uncertain_reviews_are_more_often_wrong(shared_data: Path):
    frame = pl.read_csv(shared_data / "label-errors-imdb" / "imdb_labels_and_probs.csv")
    rows = [str(n) for n in range(len(frame))]
    chances = frame.select("p0", "p1").to_numpy()
    chances = chances / chances.sum(axis=1, keepdims=True)
    is_wrong = (frame["given_label"] != frame["predicted_label"]).to_list()
    wrong = {row for row, wrong in zip(rows, is_wrong, strict=True) if wrong}
    picked = sample_uncertain(rows, chances, 2_500, seed=1)
    assert len(wrong & set(picked)) / 2_500 > 3 * len(wrong) / len(rows)


def test_the_intents_of_a_bank_go_all_the_way(bank: tuple[pl.DataFrame, Guideline]):
    frame, guideline = bank
    truth = dict(frame.select("row", "category").rows())
    rows = sample_stratified(list(truth), list(truth.values()), 385, seed=1)
    assert {truth[row] for row in rows} == set(guideline.names)
    skill = {"user:1": 0.95, "user:2": 0.9, "user:3": 0.6}
    given = assign_rows(rows, list(skill), seed=1, double_share=0.5)
    roll = random.Random(1)
    layers = []
    for annotator, mine in given.items():
        session = Session.start(
            LabelLayer("dataset:bank@1", (guideline,)), guideline, mine, annotator=annotator
        )
        key_of = {name: key for key, name in session.keys.items()}
        while (row := session.row) is not None:
            right = roll.random() < skill[annotator]
            key = key_of[truth[row] if right else roll.choice(guideline.names)]
            session = session.answer(key, at=f"step {len(session.steps)}")
        layers.append(session.layer())
    one = layers[0].merge(layers[1]).merge(layers[2])
    assert one.counts_by_row()["labels"].sum() == 385 + 193
    assert read_label_layer(one.to_bytes()).digest == one.digest
    stream = io.BytesIO()
    write_labels_csv(one, stream)
    read = read_labels_csv(
        stream, LabelLayer(one.dataset, (guideline,)), rows=set(truth), annotators=set(skill)
    )
    assert read == one

    ratings = Ratings.of(one)
    kappa = cohen_kappa(ratings, "user:1", "user:2")
    assert kappa == pytest.approx(0.95 * 0.9, abs=0.08)
    assert cohen_kappa(ratings, "user:1", "user:3") < kappa - 0.15
    by_name = {each.annotator: each for each in agreement_by_annotator(ratings)}
    assert min(by_name, key=lambda name: by_name[name].agreement) == "user:3"
    assert max(by_name, key=lambda name: by_name[name].alpha_without) == "user:3"
    estimate = dawid_skene(ratings)
    assert estimate.is_converged
    settled = [each for each in resolve_by_votes(ratings) if each.how == How.UNANIMOUS]
    assert sum(each.labels == (truth[each.row],) for each in settled) / len(settled) > 0.98


def test_a_layer_of_every_query_has_one_digest(bank: tuple[pl.DataFrame, Guideline]):
    frame, guideline = bank
    labels = [
        Label(row, (name,), "user:1", 1, "t") for row, name in frame["row", "category"].rows()
    ]
    one = LabelLayer("dataset:bank@1", (guideline,)).add(labels)
    other = LabelLayer("dataset:bank@1", (guideline,)).add(labels[::-1])
    assert len(one) == 10_003
    assert one.digest == other.digest
