"""Listening: on a local socket that only this user reaches, and on an address over TLS."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from freehold.api._app import create_app
from freehold.api._daily import every_day, keep_retention
from freehold.api._notify import notify
from freehold.estate import Estate
from freehold.kernel import FreeholdError
from freehold.listening import Address, outliving_signals, serving

WATCH_SECONDS = 0.5  # between looks whether the estate has stopped; a look takes microseconds


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen. `host` other than loopback needs a certificate and its key."""

    socket: Path
    host: str = ""
    port: int = 0
    certificate: Path | None = None
    private_key: Path | None = None

    @property
    def address(self) -> Address | None:
        """The address besides the local socket, if there is one."""
        if not self.host:
            return None
        return Address(self.host, self.port, self.certificate, self.private_key)

    def check(self) -> None:
        """Refuse what would send secrets in the clear.

        Raises:
            ListenError: a network address without TLS.
        """
        if self.address is not None:
            self.address.check()


def serve(estate: Estate, listen: Listen) -> None:
    """Serve until the process is told to stop or the estate stops; requests under way are finished.
    Once a day, remove what is past its retention.

    To be called by the main thread, which alone is told of signals.

    Raises:
        ListenError: a network address without TLS, or one that cannot be listened at.
        FreeholdError: why the estate takes no more acts; opening it again, best by whatever watches
            over this process, recovers what is durable.
    """
    listen.check()
    app = create_app(estate)
    with outliving_signals(), every_day(lambda: keep_retention(estate)):
        asyncio.run(_serve(app, listen, estate))
    estate.refuse_if_stopped()


async def _serve(app: FastAPI, listen: Listen, estate: Estate) -> None:
    address = listen.address
    network = address.bind() if address else None
    stopped = asyncio.Event()
    servers = [serving(app, _local_socket(listen.socket), until=stopped)]
    if network is not None:
        servers.append(serving(app, network, address, until=stopped))
    notify("READY=1")  # both sockets listen: who connects from here on waits at most a moment
    ending = asyncio.create_task(_end_with(estate, stopped))
    try:
        await asyncio.gather(*servers)
    finally:
        notify("STOPPING=1")
        ending.cancel()
        listen.socket.unlink(missing_ok=True)


async def _end_with(estate: Estate, stopped: asyncio.Event) -> None:
    """Set `stopped` soon after the estate has stopped: half dead it would refuse for ever."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        try:
            estate.refuse_if_stopped()
        except FreeholdError:
            stopped.set()
            return


def _local_socket(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)  # the estate's lock is held, so no living server has it
    local = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        local.bind(str(path))
    finally:
        os.umask(before)
    local.listen()
    return local
