"""Serving an application on sockets that are open, until the process is told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from freehold.listening._address import Address

STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def outliving_signals() -> Iterator[None]:
    """Return after a signal to stop, so that the caller closes what it holds.

    Uvicorn raises the signal again once it has stopped, which would end the process there. To be
    used by the main thread, which alone is told of signals.
    """
    before = {each: signal.signal(each, lambda *_: None) for each in STOPPING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


async def serving(
    app: Callable[..., Any],
    listening: socket.socket,
    address: Address | None = None,
    *,
    until: asyncio.Event | None = None,
) -> None:
    """Serve until a signal to stop, or until `until` is set; requests under way are finished.

    Args:
        address: whose certificate is used; a local socket has none.
    """
    certificate = address.certificate if address else None
    private_key = address.private_key if address else None
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # it would hold what only the record may
        server_header=False,
        timeout_graceful_shutdown=30,
        ssl_certfile=str(certificate) if certificate else None,
        ssl_keyfile=str(private_key) if private_key else None,
    )
    server = uvicorn.Server(config)
    ending = asyncio.create_task(_end(server, until)) if until else None
    try:
        await server.serve(sockets=[listening])
    finally:
        if ending is not None:
            ending.cancel()


async def _end(server: uvicorn.Server, until: asyncio.Event) -> None:
    await until.wait()
    server.should_exit = True
