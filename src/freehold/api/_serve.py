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
from freehold.api.errors import ApiError
from freehold.estate import Estate
from freehold.kernel import FreeholdError

WATCH_SECONDS = 0.5  # between looks whether the estate has stopped; a look takes microseconds
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
    """Serve until the process is told to stop or the estate stops; requests under way are finished.

    To be called by the main thread, which alone is told of signals.

    Raises:
        ApiError: a network address without TLS, or one that cannot be listened at.
        FreeholdError: why the estate takes no more acts; opening it again, best by whatever watches
            over this process, recovers what is durable.
    """
    listen.check()
    app = create_app(estate)
    with _outliving_signals():
        asyncio.run(_serve(app, listen, estate))
    estate.refuse_if_stopped()


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


async def _serve(app: FastAPI, listen: Listen, estate: Estate) -> None:
    network = [_network_socket(listen)] if listen.host else []
    local = _local_socket(listen.socket)
    servers = [(uvicorn.Server(_config(app)), [local])]
    if network:
        tls = {
            "ssl_certfile": str(listen.certificate) if listen.certificate else None,
            "ssl_keyfile": str(listen.private_key) if listen.private_key else None,
        }
        servers.append((uvicorn.Server(_config(app, **tls)), network))
    watch = _end_with(estate, [server for server, _ in servers])
    try:
        await asyncio.gather(watch, *(server.serve(sockets=sockets) for server, sockets in servers))
    finally:
        listen.socket.unlink(missing_ok=True)


async def _end_with(estate: Estate, servers: list[uvicorn.Server]) -> None:
    """End the servers soon after the estate has stopped: half dead it would refuse for ever."""
    while not any(server.should_exit for server in servers):
        await asyncio.sleep(WATCH_SECONDS)
        try:
            estate.refuse_if_stopped()
        except FreeholdError:
            for server in servers:
                server.should_exit = True


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
