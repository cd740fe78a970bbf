"""Bodies whose retention is over: emptied in place, for good, and nothing beside them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from freehold.kernel import new_id
from freehold.kernel.keys import Keyring
from freehold.kernel.vault import BodyAt, MissingBody, Vault, VaultError, VaultLimits

HOLES = "freehold.kernel.vault._holes"
SMALL = VaultLimits(segment_bytes_max=40_000)


@pytest.fixture(params=["holes", "zeros"])
def way(request, monkeypatch):
    """Both ways to empty: as this file system does it, and where there are no holes."""
    if request.param == "zeros":
        monkeypatch.setattr(f"{HOLES}._fallocate", lambda: None)
    return request.param


def put(vault: Vault, domain: str, sizes: list[int]) -> dict[str, tuple[BodyAt, bytes]]:
    bodies = {new_id(): os.urandom(size) for size in sizes}
    return {each: (vault.put_body(domain, each, body), body) for each, body in bodies.items()}


def content(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((folder / "segments").iterdir()))


def test_what_is_emptied_is_gone_and_all_else_stays(
    way, vault: Vault, folder: Path, domain: str
) -> None:
    bodies = put(vault, domain, [300, 0, 70_000, 5, 4_096, 9_000])
    vault.sync()
    frames = content(folder)
    gone = [list(bodies)[n] for n in (0, 2, 3)]
    vault.empty_bodies(bodies[each][0] for each in gone)
    vault.empty_bodies(bodies[each][0] for each in gone)  # again: nothing changes
    after = content(folder)
    assert len(after) == len(frames)
    for each, (at, body) in bodies.items():
        if each in gone:
            assert not any(after[at.offset : at.offset + at.length])
            with pytest.raises(MissingBody):
                vault.get_body(domain, each, at)
        else:
            assert vault.get_body(domain, each, at) == body
    more = put(vault, domain, [100])
    vault.sync()
    for each, (at, body) in more.items():
        assert vault.get_body(domain, each, at) == body


def test_a_segment_in_which_nothing_is_left_is_removed_but_never_the_newest(
    folder: Path, keyring: Keyring, vault: Vault, domain: str
) -> None:
    vault.close()
    with Vault.open(folder, keyring, limits=SMALL) as small:
        bodies = put(small, domain, [9_000] * 10)
        small.sync()
        assert {at.segment for at, _ in bodies.values()} == {1, 2, 3}
        small.empty_bodies(at for at, _ in bodies.values())
        assert [path.name for path in (folder / "segments").iterdir()] == ["00000003.seg"]
        for each, (at, _) in bodies.items():
            with pytest.raises(MissingBody):
                small.get_body(domain, each, at)
        more = put(small, domain, [100])
    with Vault.open(folder, keyring, limits=SMALL) as small:
        for each, (at, body) in more.items():
            assert at.segment == 3
            assert small.get_body(domain, each, at) == body


def test_an_error_of_the_disk_is_told_and_emptying_again_ends_it(
    vault: Vault, domain: str, monkeypatch
) -> None:
    bodies = put(vault, domain, [300, 300])
    vault.sync()
    places = [at for at, _ in bodies.values()]

    def failing(descriptor: int, start: int, length: int) -> bool:
        raise OSError(5, "input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(f"{HOLES}._punch", failing)
        with pytest.raises(VaultError, match="input/output") as caught:
            vault.empty_bodies(places)
        assert caught.value.code == "vault.storage"
    vault.empty_bodies(places)
    for each, (at, _) in bodies.items():
        with pytest.raises(MissingBody):
            vault.get_body(domain, each, at)
