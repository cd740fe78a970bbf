"""A lexicon tells common words from words written like names, and knows places."""

from __future__ import annotations

import pytest

from freehold.data.tagging import EMPTY_LEXICON, TaggingLimits, learn_lexicon, time_zone_places

PLAIN = ["we went to Oslo by train", "the train to Oslo", "Train to nowhere"] * 8


def test_words_are_counted_with_how_they_are_written():
    lexicon = learn_lexicon(PLAIN)
    assert lexicon.words["oslo"] == "2n"
    assert lexicon.words["train"] == "2l"  # a capital at the beginning of a text tells nothing
    assert "absent" not in lexicon.words


def test_words_that_occur_once_and_beyond_the_bound_are_left_out():
    assert "lonely" not in learn_lexicon([*PLAIN, "a lonely word"]).words
    assert len(learn_lexicon(PLAIN, limits=TaggingLimits(words_max=2)).words) == 2


def test_the_longest_place_is_found():
    lexicon = learn_lexicon(places=["Papua New Guinea", "Guinea", "New"])
    words = "from papua new guinea to guinea".split()
    assert lexicon.places_in(words, [1, 2, 5]) == [(1, 4), (2, 3), (5, 6)]
    assert lexicon.places_in(words, [0]) == []


def test_the_places_of_time_zones_are_there():
    assert {"Norway", "Buenos Aires", "Papua New Guinea"} <= set(time_zone_places())


def test_an_empty_lexicon_knows_nothing():
    assert learn_lexicon() == EMPTY_LEXICON
    assert EMPTY_LEXICON.places_in(["oslo"], [0]) == []


@pytest.mark.parametrize("places", [["!"], ["one two three four five"], [""]])
def test_names_that_cannot_be_met_are_left_out(places: list[str]):
    assert learn_lexicon(places=places).places == frozenset()
