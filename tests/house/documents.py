"""Reads what the documents claim: their links, the commands they name, the words they use.

Pure functions over Markdown text. Knows the part of Markdown that our documents use: fenced code,
code spans, inline links and images, headings with `#`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

FENCE = re.compile(r"^( *)(```+|~~~+)[^\n]*\n(.*?)^\1\2[ ]*$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^()\s<>]+)>?(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6} +(.*?)#*$", re.MULTILINE)
OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
MAKE = re.compile(r"(?:^|&& |; |\$ )make((?: +[A-Za-z0-9_=./\"-]+)*)")
FREEHOLD = re.compile(r"(?:^|&& |; |\$ |\| )freehold +([^`|;&#>]*)")
WORD = re.compile(r"[a-z][a-z0-9-]*")
TARGET = re.compile(r"^([a-z][a-z0-9-]*):", re.MULTILINE)

# Words of unfinished work, paths of one person's machine, and hosts that packages come from.
UNWANTED = {
    "unfinished": re.compile(r"\b(?:TODO|FIXME|TBD|XXX)\b|\b[Cc]oming soon\b|\b[Ff]or now\b"),
    "a path of one machine": re.compile(r"(?<![\w.~*-])/(?:root|work|home|opt/(?:wheels|pypi))\b"),
    "a registry's host": re.compile(
        r"\bpypi\.[a-z]+\b|pythonhosted|npmjs|\bdeb\.debian|\bproxy\.golang|\bghcr\.|docker\.io"
    ),
}


def links(text: str) -> Iterator[str]:
    """Yield the target, anchor included, of every link and image that stays in the repository."""
    prose = SPAN.sub("", FENCE.sub("", text))
    return (target for target in LINK.findall(prose) if not OUTSIDE.match(target))


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings make, as GitHub spells them."""
    headings = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", each.strip().lower()).replace(" ", "-") for each in headings}


def code_lines(text: str) -> Iterator[str]:
    """Yield every line of fenced or indented code and every code span."""
    for _, _, block in FENCE.findall(text):
        yield from (line.strip() for line in block.replace("\\\n", " ").splitlines())
    yield from (
        line.strip() for line in FENCE.sub("", text).splitlines() if line.startswith("    ")
    )
    yield from (" ".join(span.split()) for _, span in SPAN.findall(FENCE.sub("", text)))


def make_targets(text: str) -> set[str]:
    """The targets of every `make …` that a page names."""
    return {
        word
        for line in code_lines(text)
        for words in MAKE.findall(line)
        for word in words.split()
        if WORD.fullmatch(word)
    }


def freehold_commands(text: str) -> set[tuple[str, ...]]:
    """The leading words of every `freehold …` that a page names, up to the first argument."""
    commands = set()
    for line in code_lines(text):
        for rest in FREEHOLD.findall(line):
            words: list[str] = []
            for word in rest.split():
                if word.startswith("-"):
                    continue
                if not WORD.fullmatch(word):
                    break
                words.append(word)
            commands.add(tuple(words))
    return commands


def makefile_targets(makefile: str) -> set[str]:
    """The targets that a Makefile can make."""
    return set(TARGET.findall(makefile))


def unwanted(text: str) -> Iterator[str]:
    """Yield each unwanted word with its line."""
    for number, line in enumerate(text.splitlines(), start=1):
        for kind, pattern in UNWANTED.items():
            yield from (f"line {number}: {kind}: {match[0]}" for match in pattern.finditer(line))
