"""The estate's witnesses: declared, shown its checkpoints, and their cosignatures kept.

    estate.witnesses.declare(actor, "city", vkey, url="https://witness.example")
    estate.witnesses.ask(actor, "city")
    estate.witnesses.accept(actor, "vault", answer)     # what came back across an air gap

Nothing goes out but a signed checkpoint and a proof of consistency, and only to a destination that
was declared by an act.
"""

from freehold.witnesses._acts import DECLARATIONS
from freehold.witnesses._asker import Asker
from freehold.witnesses._service import DeclaredWitness, WitnessesService
from freehold.witnesses.errors import WitnessTrouble

__all__ = ["DECLARATIONS", "Asker", "DeclaredWitness", "WitnessTrouble", "WitnessesService"]
