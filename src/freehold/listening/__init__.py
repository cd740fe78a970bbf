"""Listening on an address: over TLS, unless it is of this machine alone.

    address = Address("127.0.0.1", 8443)
    with outliving_signals():
        asyncio.run(serving(app, address.bind(), address))

It knows nothing of what is served.
"""

from freehold.listening._address import Address
from freehold.listening._serving import outliving_signals, serving
from freehold.listening.errors import ListenError

__all__ = ["Address", "ListenError", "outliving_signals", "serving"]
