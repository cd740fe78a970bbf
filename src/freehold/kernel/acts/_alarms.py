"""What must not be missed: a line in the log of the process for an alarming act, and concerns that
stay in the estate's status until somebody has dealt with them.

Ids, codes and times only: logs are kept by others, and longer.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

from freehold.kernel.acts._values import Recorded

LOGGER = "freehold.alarm"


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that waits for a person: what, about which thing, since when, and the next step."""

    code: str
    about: str
    since: str
    next: str


def sound_alarm(recorded: Recorded) -> None:
    """Write one line of JSON at WARNING; without a configured handler it goes to stderr."""
    record = recorded.record
    line = {
        "alarm": record.act,
        "id": record.id,
        "index": recorded.index,
        "log": record.log,
        "principal": record.principal,
        "resource": record.resource,
        "time": record.time,
    }
    logging.getLogger(LOGGER).warning("%s", json.dumps(line))
