"""Time stamps of checkpoints by others (RFC 3161): proof that the history up to a size existed at a
time, by the word of an authority outside.

    size, request = estate.stamps.request(actor)              # a .tsq, to be carried anywhere
    estate.stamps.accept(actor, "authority", response, size=size)
    estate.stamps.ask(actor, "authority")                     # or both at once, over HTTP

What is stamped is the text of a checkpoint (origin, size, root), which can be written again for any
size as long as the log is there. A stranger checks it with `openssl ts -verify`.
"""

from freehold.stamps._acts import DECLARATIONS
from freehold.stamps._service import Authority, Stamp, StampService
from freehold.stamps.errors import StampError

__all__ = ["DECLARATIONS", "Authority", "Stamp", "StampError", "StampService"]
