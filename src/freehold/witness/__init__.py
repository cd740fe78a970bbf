"""Being a witness of others' logs: a folder with a key and one checkpoint of each log, served over
HTTP (C2SP tlog-witness) or asked by file.

    WitnessFolder.create(folder, "witness.example/one", custody)
    with WitnessFolder.open(folder, custody) as held:
        held.add_log(VerifierKey.parse(vkey))
        serve(held, Address("127.0.0.1", 8444))

It needs no estate and knows none. Format: docs/formats/witness.md.
"""

from freehold.witness._app import create_app, serve
from freehold.witness._folder import KnownLog, WitnessFolder
from freehold.witness.errors import WitnessError

__all__ = ["KnownLog", "WitnessError", "WitnessFolder", "create_app", "serve"]
