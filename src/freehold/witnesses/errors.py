"""What can go wrong between an estate and its witnesses.

FreeholdError
└── WitnessTrouble    witness.url             an address that nothing may be sent to
                      witness.by_file         it has no address: it is asked by file
                      witness.unreachable     no answer, or not over TLS that can be trusted
                      witness.answer          an answer that no witness gives
                      witness.ahead           it has seen more records than this log has
                      witness.forgot          it has seen fewer records than it has cosigned
                      witness.inconsistent    it has seen another history
                      witness.unknown_log     it does not know this log
                      witness.signature       it knows this log by another key
                      witness.conflict        others ask it for this log at the same time
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class WitnessTrouble(FreeholdError):
    """A witness could not be asked, or did not cosign."""
