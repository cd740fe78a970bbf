"""People: who they are, what they may do, how they prove it, what they have approved, what they
take in an emergency, and how all that is reviewed.

    actor = people.authenticate(token)         # or Unauthenticated
    people.approve(statement, signature)       # signed with the person's own key, never by token

Who is allowed what is not decided here: policies are.
"""

from freehold.parties._acts import DECLARATIONS, enrolled_key, standing_of
from freehold.parties._clock import ClockService, ClockStatus
from freehold.parties._emergency import Emergency, EmergencyService
from freehold.parties._refusals import Refusals
from freehold.parties._reviews import Review, Reviewed, ReviewService
from freehold.parties._service import IssuedToken, NewPerson, PeopleService, Person
from freehold.parties.errors import PartyError, Unauthenticated

__all__ = [
    "DECLARATIONS",
    "ClockService",
    "ClockStatus",
    "Emergency",
    "EmergencyService",
    "IssuedToken",
    "NewPerson",
    "PartyError",
    "PeopleService",
    "Person",
    "Refusals",
    "Review",
    "ReviewService",
    "Reviewed",
    "Unauthenticated",
    "enrolled_key",
    "standing_of",
]
