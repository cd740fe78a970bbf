"""Verbs about time stamps."""

from __future__ import annotations

import io
from typing import BinaryIO

from freehold.estate import Estate
from freehold.kernel.acts import Actor
from freehold.stamps import Authority, Stamp
from freehold.verbs._verb import Download, TextFile

RESPONSE_BYTES_MAX = 1_048_576  # refused as no stamp well before


def stamp_declare(
    estate: Estate, actor: Actor, name: str, root: TextFile, *, url: str = ""
) -> Authority:
    """Trust a time-stamp authority by its root certificate (PEM); with --url it may be asked."""
    return estate.stamps.declare(actor, name, root, url=url)


def stamp_list(estate: Estate, actor: Actor) -> tuple[Stamp, ...]:
    """List what authorities stamped."""
    return estate.stamps.list(actor)


def stamp_text(estate: Estate, actor: Actor, size: int) -> str:
    """Write what is stamped: the checkpoint's text of the first SIZE records."""
    return estate.stamps.text(actor, size)


def stamp_request(estate: Estate, actor: Actor) -> Download:
    """Write a request (.tsq) for the newest checkpoint, to be carried to an authority."""
    size, request = estate.stamps.request(actor)
    return Download(io.BytesIO(request), f"checkpoint-{size}.tsq", {"size": size})


def stamp_accept(
    estate: Estate, actor: Actor, name: str, response: BinaryIO, *, size: int
) -> Stamp:
    """Verify and keep an authority's answer (.tsr) to the request for --size records."""
    return estate.stamps.accept(actor, name, response.read(RESPONSE_BYTES_MAX), size=size)


def stamp_ask(estate: Estate, actor: Actor, name: str) -> Stamp:
    """Have the newest checkpoint stamped now, at the authority's address."""
    return estate.stamps.ask(actor, name)


def stamp_fetch(estate: Estate, actor: Actor, act: str) -> Download:
    """Hand out an accepted answer (.tsr), for `openssl ts -verify`."""
    return Download(io.BytesIO(estate.stamps.fetch(actor, act)), "checkpoint.tsr", {"act": act})
