"""The estate's server for the length of a block, on a loopback port, to be asked over HTTP like any
other.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from freehold.api import create_app
from freehold.demo.errors import DemoError
from freehold.estate import Estate

START_SECONDS_MAX = 15.0


@contextmanager
def served(estate: Estate) -> Iterator[str]:
    """Serve the estate; gives the URL.

    Raises:
        DemoError: the server did not start.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(estate), log_level="error", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS_MAX
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise DemoError("demo.server", "the server did not start")
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
