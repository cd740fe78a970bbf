"""Errors of the policy engine.

FreeholdError
└── PolicyError
    ├── InvalidPolicy    a policy text that does not parse, lacks an id, or fails strict validation
    └── Denied           the answer to a request is no
"""

from __future__ import annotations

from freehold.kernel.errors import FreeholdError


class PolicyError(FreeholdError):
    """Something is wrong with policies or with a request to them."""


class InvalidPolicy(PolicyError):
    """A policy text that may not be activated; the message lists what is wrong and where."""


class Denied(PolicyError):
    """The policies in force do not allow this act.

    `policies` names those that determined it; empty when nothing permits it.
    """

    def __init__(self, message: str, *, policies: tuple[str, ...], hint: str = "") -> None:
        super().__init__("policy.denied", message, hint)
        self.policies = policies
