"""Errors of keeping a witness.

FreeholdError
└── WitnessError    witness.missing    there is no witness in this folder
                    witness.exists     there is one, or it knows the log already
                    witness.corrupt    what it kept of a log was changed
                    witness.stopped    it could not keep a checkpoint, and answers nothing more

What it refuses by its rules are `WitnessRefusal`s of the ledger.
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class WitnessError(FreeholdError):
    """A witness cannot be made, opened, or go on."""
