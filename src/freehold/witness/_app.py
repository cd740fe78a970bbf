"""A witness over HTTP (C2SP tlog-witness v1.0.0): `add-checkpoint`, and the newest checkpoint of
each log for whoever wants to compare.

Nobody needs to be known: what is asked is signed by its log, and what is answered by the witness.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from freehold.kernel import FreeholdError
from freehold.kernel.ledger import WitnessConflict
from freehold.listening import Address, outliving_signals, serving
from freehold.witness._folder import WitnessFolder

REQUEST_BYTES_MAX = 69_632  # a note of 64 KiB and 63 hashes: refuse before parsing
RECEIVE_SECONDS_MAX = 10.0  # a request fits one packet or a few; who dribbles it is cut off

_STATUS: Mapping[str, int] = {
    "witness.request": 400,
    "witness.signature": 403,
    "witness.unknown_log": 404,
    "witness.conflict": 409,
    "witness.inconsistent": 422,
}


def create_app(held: WitnessFolder) -> Starlette:
    """Build the application over an open witness."""

    async def add_checkpoint(request: Request) -> Response:
        body = await _received(request)
        return await run_in_threadpool(_answer, lambda: held.witness.add_checkpoint(body).line)

    async def checkpoint(request: Request) -> Response:
        name = request.path_params["log"]
        return await run_in_threadpool(_answer, lambda: _published(held, name))

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/{log}/checkpoint", checkpoint, methods=["GET"]),
        ]
    )


def serve(held: WitnessFolder, address: Address, ready: Callable[[str], object]) -> None:
    """Serve until the process is told to stop; `ready` is told the URL once it listens.

    To be called by the main thread, which alone is told of signals.

    Raises:
        ListenError: a network address without TLS, or one that cannot be listened at.
    """
    listening = address.bind()
    scheme = "https" if address.certificate else "http"
    host = f"[{address.host}]" if ":" in address.host else address.host
    ready(f"{scheme}://{host}:{listening.getsockname()[1]}")
    with outliving_signals():
        asyncio.run(serving(create_app(held), listening, address))


async def _received(request: Request) -> bytes:
    """The body of a request, bounded in size and time."""
    body = bytearray()
    try:
        async with asyncio.timeout(RECEIVE_SECONDS_MAX):
            async for chunk in request.stream():
                body += chunk
                if len(body) > REQUEST_BYTES_MAX:
                    raise HTTPException(413, f"a request has at most {REQUEST_BYTES_MAX} bytes\n")
    except TimeoutError as error:
        raise HTTPException(408, "the request did not come in time\n") from error
    return bytes(body)


def _published(held: WitnessFolder, name: str) -> str:
    note = held.published(name)
    if note is None:
        raise HTTPException(404, "nothing was cosigned of that log\n")
    return note


def _answer(call: Callable[[], str]) -> Response:
    try:
        return PlainTextResponse(call(), headers={"Cache-Control": "no-cache"})
    except WitnessConflict as conflict:
        return Response(f"{conflict.size}\n", 409, {"Content-Type": "text/x.tlog.size"})
    except FreeholdError as error:  # what the rules do not name is the witness's own trouble
        return PlainTextResponse(f"{error}\n", _STATUS.get(error.code, 503))
