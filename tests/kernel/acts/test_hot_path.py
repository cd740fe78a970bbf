"""Acts that do not wait for each other: what they may not cost."""

from __future__ import annotations

import pytest

from freehold.kernel import Ref
from freehold.kernel.vault import VaultError
from tests.kernel.acts.lab import MAKER, Lab, TouchThing


def _change_body(lab: Lab, position: int) -> None:
    """Change the last byte of a record's sealed body on disk."""
    body = lab.records()[position].body
    assert body is not None
    segment, offset, length = body.at
    with (lab.folder / "vault" / "segments" / f"{segment:08}.seg").open("r+b") as file:
        file.seek(offset + length - 1)
        last = file.read(1)
        file.seek(offset + length - 1)
        file.write(bytes([last[0] ^ 1]))


def _made_and_touched(lab: Lab) -> None:
    made = Ref.parse(lab.make().record.resource)
    with lab.pipeline.perform(MAKER, TouchThing(), on=made) as act:
        act.describe(how="softly")
        act.conclude()


def test_a_rebuild_opens_no_body_of_the_hot_path(lab: Lab):
    _made_and_touched(lab)
    before = lab.dump()
    _change_body(lab, 1)
    assert lab.pipeline.rebuild() == 2
    assert lab.dump() == before


def test_a_rebuild_refuses_a_changed_body_of_any_other_act(lab: Lab):
    _made_and_touched(lab)
    _change_body(lab, 0)
    with pytest.raises(VaultError) as refused:
        lab.pipeline.rebuild()
    assert refused.value.code == "vault.corrupt"
