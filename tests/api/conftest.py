"""Worlds to test in, and clients of their servers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from freehold.api import create_app
from freehold.estate import Estate
from tests.estate.fixtures import deployed, founded, founded_deployed, world
from tests.estate.world import World, copy_world

__all__ = ["client_of", "deployed", "founded", "founded_deployed", "world"]

ClientOf = Callable[..., httpx.Client]


@contextmanager
def served(estate: Estate) -> Iterator[str]:
    """Serve an estate on a port of this machine for the length of a block; gives the URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(create_app(estate), log_level="critical", access_log=False, lifespan="off")
    )
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def client(url: str, world: World, person: str = "") -> httpx.Client:
    """A client with a token of `person`, or without any."""
    headers = {}
    if person:
        token = world.estate.people.token(world.actor("olivia"), person).token
        headers["Authorization"] = f"Bearer {token}"
    return httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30)


@pytest.fixture
def client_of() -> Iterator[ClientOf]:
    """Give a client of a world's server."""
    urls: dict[Estate, str] = {}
    with ExitStack() as stack:

        def connect(world: World, person: str = "") -> httpx.Client:
            if world.estate not in urls:
                urls[world.estate] = stack.enter_context(served(world.estate))
            return stack.enter_context(client(urls[world.estate], world, person))

        yield connect


@pytest.fixture(scope="module")
def asking(founded_deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientOf]:
    """Give clients, by person, of one server for all that only ask."""
    world = copy_world(founded_deployed, tmp_path_factory.mktemp("asking") / "world")
    with ExitStack() as stack:
        stack.callback(world.close)
        url = stack.enter_context(served(world.estate))
        yield lambda person="": stack.enter_context(client(url, world, person))
