"""Errors of time stamps.

FreeholdError
└── StampError    stamp.certificate    no certificate of an authority
                  stamp.authority      the name is taken
                  stamp.url            no address that can be asked
                  stamp.unreachable    the authority does not answer
                  stamp.refused        the authority refuses, or its answer does not hold
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class StampError(FreeholdError):
    """A checkpoint could not be stamped."""
