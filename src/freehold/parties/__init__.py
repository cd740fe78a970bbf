"""People: who they are, what they may do, how they prove it, and what they have approved.

    actor = people.authenticate(token)         # or Unauthenticated
    people.approve(statement, signature)       # signed with the person's own key, never by token

Who is allowed what is not decided here: policies are.
"""

from freehold.parties._acts import DECLARATIONS, enrolled_key, principal_attributes
from freehold.parties._clock import ClockService, ClockStatus
from freehold.parties._refusals import Refusals
from freehold.parties._service import IssuedToken, NewPerson, PeopleService, Person
from freehold.parties.errors import PartyError, Unauthenticated

__all__ = [
    "DECLARATIONS",
    "ClockService",
    "ClockStatus",
    "IssuedToken",
    "NewPerson",
    "PartyError",
    "PeopleService",
    "Person",
    "Refusals",
    "Unauthenticated",
    "enrolled_key",
    "principal_attributes",
]
