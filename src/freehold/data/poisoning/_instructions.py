"""Signs of instructions to a language model inside text that should only be data.

A list of signs, not a promise: it meets a fifth of the openers of one public collection of attacks,
two fifths of attacks in comments of HTML, and none of those in plain words, which look like any
other text.

Two kinds of signs. *Overrides* speak to a model: forget what you were told, new instructions
follow, play another part, show your prompt, chat markers. *Carriers* hide text from a reader:
comments and hidden elements of HTML, alternative texts, titles of links, base64. A carrier counts
only if what it carries is an override or addresses a model.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

TEXT_CHARS_MAX = 100_000  # of one row; keeps the time of the patterns in bounds
_OVERRIDES = re.compile(
    r"""
    \b(?:ignore|disregard|forget|dismiss|override|bypass|neglect|discard|abandon|erase|
       set\ aside|put\ aside|cast\ aside|let\ go\ of|do\ not\ follow|don't\ follow|stop\ following)
      \b[^.!?\n]{0,60}?\b(?:instructions?|directives?|prompts?|rules|guidelines|commands?|orders|
       guidance|constraints|everything|all\ (?:of\ )?(?:the\ )?(?:above|previous|prior)|
       (?:previous|prior|preceding|other|earlier)\ (?:text|tasks?|requests?|content))\b
    | \b(?:new|updated|following|next|upcoming|critical|important|additional|primary|urgent|
       overriding|only)\ (?:\w+\ )?(?:instructions?|directives?|commands?|system\ prompt)\b
    | \b(?:instructions?|directives?|commands?)\ (?:\w+\ )?(?:to\ follow|that\ follows?|below|ahead|
       to\ come)\b
    | \b(?:system|developer|initial|hidden)[\ _](?:prompt|message|instructions?)\b
    | \byou\ are\ (?:now|no\ longer|an?\ (?:ai|language|large))\b
    | \bas\ an?\ (?:ai|language\ model|assistant)\b | \b(?:dear|attention,?|note\ to)\ (?:ai|llm|
       assistant|language\ model|chatbot|model)\b
    | \b(?:ai|language)\ (?:model|assistant)s?\b[^.!?\n]{0,40}\b(?:must|should|reading|processing)\b
    | \b(?:pretend|act|respond|behave)\ (?:to\ be|as\ if|as\ though|as)\ (?:an?\ |you\ )
    | <\|?(?:im_start|im_end|system|assistant|user|endoftext)\|?> | \[/?INST\] | <<SYS>>
    | ^\s*\#{2,}\s*(?:system|instruction|assistant)\b
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_ADDRESSES = re.compile(
    r"\b(?:assistant|language model|llm|chatbot|gpt|claude|gemini|copilot|prompt|instructions?|"
    r"summar(?:y|ize|ise)|respond|reply|answer|output|say|write|send|recommend|rate)\b",
    re.IGNORECASE,
)
_CARRIERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("an HTML comment", re.compile(r"<!--(.{1,4000}?)-->", re.DOTALL)),
    (
        "hidden text",
        re.compile(
            r"<[a-z][^>]{0,400}?(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?!\.)|"
            r"font-size\s*:\s*[01](?:px|pt|em)?\b|color\s*:\s*(?:white|transparent|\#fff(?:fff)?)\b|"
            r"color\s*=\s*[\"']?(?:white|\#fff)|\bhidden\b|aria-hidden)[^>]{0,400}>"
            r"([^<]{1,4000})",
            re.IGNORECASE,
        ),
    ),
    ("an alternative text", re.compile(r"\b(?:alt|title)\s*=\s*[\"']([^\"'>]{1,2000})", re.I)),
    ("an image's caption", re.compile(r"!\[([^\]\n]{1,2000})\]")),
    ("a link's title", re.compile(r"\]\([^)\s]{0,1000}\s+[\"'(]([^\"')\n]{1,2000})")),
    (
        "a comment in Markdown",
        re.compile(r"^\[[^\]\n]{0,60}\]:\s*\S{1,60}\s+[\"'(](.{1,2000})", re.M),
    ),
)
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{24,}={0,2}(?![A-Za-z0-9+/=])")
_PIXEL = re.compile(
    r"!\[[^\]\n]{0,200}\]\(\s*https?://[^)\s]{1,500}[?&][^)\s]{0,500}[={][^)]{0,500}\)"
)


def signs_of(text: str) -> tuple[str, ...]:
    """Name the signs in one text, none twice."""
    text = text[:TEXT_CHARS_MAX]
    found = ["words that address a model"] if _OVERRIDES.search(text) else []
    if any(mark in text for mark in ("<", "[", "=")):
        found += [name for name, carried in _carried(text) if _ADDRESSES.search(carried)]
        if _PIXEL.search(text):
            found.append("an image whose address would carry data out")
    found += ["base64"] if any(map(_speaks, _BASE64.findall(text))) else []
    return tuple(dict.fromkeys(found))


def _carried(text: str) -> Iterator[tuple[str, str]]:
    for name, pattern in _CARRIERS:
        for match in pattern.finditer(text):
            yield name, match[1]


def _speaks(encoded: str) -> bool:
    """Whether base64 holds readable words that address a model."""
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, ValueError):
        return False
    return bool(_OVERRIDES.search(decoded) or (" " in decoded and _ADDRESSES.search(decoded)))
