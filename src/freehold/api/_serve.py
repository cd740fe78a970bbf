"""Listening: on a local socket that only this user reaches, and on an address over TLS."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from freehold.api._app import create_app
from freehold.api._daily import every_day, keep_retention
from freehold.api._notify import notify
from freehold.api.errors import ApiError
from freehold.estate import Estate

STOPPING = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen. `host` other than loopback needs a certificate and its key."""

    socket: Path
    host: str = ""
    port: int = 0
    certificate: Path | None = None
    private_key: Path | None = None

    def check(self) -> None:
        """Refuse what would send secrets in the clear.

        Raises:
            ApiError: a network address without TLS.
        """
        if self.host and self.certificate is None and not _is_loopback(self.host):
            raise ApiError(
                "api.no_tls",
                f"{self.host} is reachable from the network, and no certificate is given",
                "give --tls-certificate and --tls-key, or listen on 127.0.0.1",
            )


def serve(estate: Estate, listen: Listen) -> None:
    """Serve until the process is told to stop; requests under way are finished. Once a day, remove
    what is past its retention.

    To be called by the main thread, which alone is told of signals.

    Raises:
        ApiError: a network address without TLS, or one that cannot be listened at.
    """
    listen.check()
    app = create_app(estate)
    with _outliving_signals(), every_day(lambda: keep_retention(estate)):
        asyncio.run(_serve(app, listen))


@contextmanager
def _outliving_signals() -> Iterator[None]:
    """Return after a signal to stop, so that the caller closes the estate.

    Uvicorn raises the signal again once it has stopped, which would end the process there.
    """
    before = {each: signal.signal(each, lambda *_: None) for each in STOPPING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


async def _serve(app: FastAPI, listen: Listen) -> None:
    network = [_network_socket(listen)] if listen.host else []
    local = _local_socket(listen.socket)
    servers = [(uvicorn.Server(_config(app)), [local])]
    if network:
        tls = {
            "ssl_certfile": str(listen.certificate) if listen.certificate else None,
            "ssl_keyfile": str(listen.private_key) if listen.private_key else None,
        }
        servers.append((uvicorn.Server(_config(app, **tls)), network))
    notify("READY=1")  # both sockets listen: who connects from here on waits at most a moment
    try:
        await asyncio.gather(*(server.serve(sockets=sockets) for server, sockets in servers))
    finally:
        notify("STOPPING=1")
        listen.socket.unlink(missing_ok=True)


def _config(app: FastAPI, **tls: str | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # the ledger is the record; a second one would hold what it must not
        server_header=False,
        timeout_graceful_shutdown=30,
        **tls,  # type: ignore[arg-type]
    )


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


def _network_socket(listen: Listen) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    network = socket.socket(family)
    network.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        network.bind((listen.host, listen.port))
    except OSError as error:
        network.close()
        raise ApiError(
            "api.address",
            f"cannot listen at {listen.host} port {listen.port}: {error.strerror or error}",
            "is another server there? choose another port",
        ) from error
    network.listen()
    return network


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
