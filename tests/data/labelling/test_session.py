"""A session asks row by row, and undoes what it did; a machine of steps against a naive one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.labelling import AllowedLabel, Guideline, Progress, Session
from tests.data.labelling.examples import THREE, TOPICS, label, layer

QUEUE = ("a", "b", "c", "d")


def started(*queue: str) -> Session:
    return Session.start(layer(), THREE, queue or QUEUE, annotator="user:1")


def test_a_session_goes_through_its_queue():
    session = started()
    assert session.keys == {"1": "no", "2": "so", "3": "yes"}
    session = session.answer("3", at="t1").skip().answer("1", at="t2")
    assert session.row == "d"
    assert session.progress == Progress(labelled=2, skipped=1, left=1, total=4)
    session = session.skip()
    assert session.row is None
    current = session.layer().current()
    assert current.select("row", "at").rows() == [("a", "t1"), ("c", "t2")]
    assert current["labels"].to_list() == [["yes"], ["no"]]
    assert session.base == layer()


def test_undo_takes_back_answers_and_skips():
    session = started().answer("1", at="t").skip()
    assert session.undo().row == "b"
    assert session.undo().undo() == started()
    assert session.undo().undo().undo() == started()
    assert session.undo().undo().answer("2", at="t").layer().history("a", "user:1")[0].labels == (
        "so",
    )


@given(st.lists(st.sampled_from(["1", "2", "3", "skip", "undo"]), max_size=12))
def test_any_way_through_is_that_of_a_naive_machine(actions: list[str]):
    session, passed = started(), list[str | None]()
    for action in actions:
        if action == "undo":
            session, passed = session.undo(), passed[:-1]
        elif len(passed) == len(QUEUE):
            with pytest.raises(ValueError, match="at its end"):
                session.skip()
        elif action == "skip":
            session, passed = session.skip(), [*passed, None]
        else:
            session, passed = session.answer(action, at="t"), [*passed, session.keys[action]]
        assert session.row == (QUEUE[len(passed)] if len(passed) < len(QUEUE) else None)
    expected = {row: [name] for row, name in zip(QUEUE, passed, strict=False) if name}
    assert dict(session.layer().current().select("row", "labels").rows()) == expected
    progress = session.progress
    assert progress.labelled == len(expected)
    assert progress.labelled + progress.skipped + progress.left == progress.total == len(QUEUE)


def test_a_session_goes_on_where_another_stopped():
    first = started().answer("1", at="t").skip()
    second = Session.start(first.layer(), THREE, QUEUE, annotator="user:1")
    assert second.queue == ("b", "c", "d")
    assert Session.start(first.layer(), THREE, QUEUE, annotator="user:2").queue == QUEUE
    assert started("a", "a", "b").queue == ("a", "b")


def test_a_key_that_is_no_labels_changes_nothing():
    session = started()
    for keys in ((), ("4",), ("1", "2"), ("1", "1"), ("yes",), ("01",)):
        with pytest.raises(DataError) as caught:
            session.answer(*keys, at="t")
        assert caught.value.code == "data.label"
    with pytest.raises(DataError, match="at"):
        session.answer("1", at="")
    with pytest.raises(DataError, match="annotator"):
        Session.start(layer(), THREE, QUEUE, annotator="").answer("1", at="t")
    with pytest.raises(ValueError, match="none of the layer's"):
        Session.start(layer(), TOPICS, QUEUE, annotator="user:1")


def test_several_keys_where_the_guideline_allows_several():
    session = Session.start(layer((), TOPICS), TOPICS, QUEUE, annotator="user:1")
    found = session.answer("3", "1", at="t").layer().history("a", "user:1")
    assert found[0].labels == ("card", "fee")


def test_keys_have_as_many_digits_as_there_are_labels():
    many = Guideline(1, "x", tuple(AllowedLabel(f"name {n}", "x") for n in range(1, 12)))
    session = Session.start(layer((), many), many, QUEUE, annotator="user:1")
    assert next(iter(session.keys)) == "01"
    assert session.keys["11"] == "name 11"
    assert session.answer("02", at="t").labels[0].labels == ("name 2",)
    with pytest.raises(DataError, match="1 of 1 keys are no label's; expected 01 to 11"):
        session.answer("2", at="t")


def test_a_label_given_before_is_kept():
    before = layer([label("b", "yes", "user:2")])
    session = Session.start(before, THREE, QUEUE, annotator="user:1").answer("1", at="t")
    assert len(session.layer()) == 2
