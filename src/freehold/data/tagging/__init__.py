"""Finding names of persons, addresses, places and organisations in text.

A tagger learns from texts in which a user has marked spans; no weights are fetched or shipped.
It is a help, not a proof: exact F1 on templates that it has not seen is about 0.7, and figures per
kind belong beside every use of it (`model_card`). What has a checkable shape (cards, e-mail
addresses) is the work of `freehold.data.detection`.

    lexicon = learn_lexicon(plain_texts, time_zone_places())
    tagger = train_tagger(texts, spans, seed=1, lexicon=lexicon)
    tagger.tag(["My name is Ann Lee"])  # [[Span("person", 11, 18)]]
    print(model_card(tagger, {"new letters": evaluate(tagger, new_texts, new_spans)}))
"""

from freehold.data.tagging._augment import TaggerOptions
from freehold.data.tagging._lexicon import EMPTY_LEXICON, Lexicon, learn_lexicon, time_zone_places
from freehold.data.tagging._limits import DEFAULT_TAGGING_LIMITS, TaggingLimits
from freehold.data.tagging._scores import Score, evaluate, model_card, overall
from freehold.data.tagging._spans import Span, check_spans, template_of, whole_addresses
from freehold.data.tagging._tagger import Tagger
from freehold.data.tagging._train import DEFAULT_OPTIONS, train_tagger

__all__ = [
    "DEFAULT_OPTIONS",
    "DEFAULT_TAGGING_LIMITS",
    "EMPTY_LEXICON",
    "Lexicon",
    "Score",
    "Span",
    "Tagger",
    "TaggerOptions",
    "TaggingLimits",
    "check_spans",
    "evaluate",
    "learn_lexicon",
    "model_card",
    "overall",
    "template_of",
    "time_zone_places",
    "train_tagger",
    "whole_addresses",
]
