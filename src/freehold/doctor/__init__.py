"""The doctor: looks at an estate's folder and its machine, and says what to mend.

    for check in examine(Path("estate")):
        print(check.name, check.state, check.found, check.next)

It needs no passphrase, takes no lock and changes nothing but a small file of its own, which it
writes to measure the disk and removes. It opens nothing that is sealed.
"""

from freehold.doctor._check import Check, State
from freehold.doctor._examine import examine

__all__ = ["Check", "State", "examine"]
