"""The keyring against a naive model: two dictionaries and a set."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from freehold.kernel import new_id
from freehold.kernel.keys import (
    INSECURE_TEST_COST,
    DomainErased,
    DomainKeys,
    Keyring,
    KeysError,
    KeysLimits,
    PassphraseCustody,
    Recovery,
    RecoveryCustody,
    new_recovery_identity,
    recipient_of,
)


class KeyringAgainstModel(RuleBasedStateMachine):
    """Whatever is done in whatever order, each domain has its first keys or is erased."""

    alive = Bundle("alive")

    @initialize()
    def create(self) -> None:
        self.folder = Path(tempfile.mkdtemp()) / "keys"
        self.custody = PassphraseCustody("0", cost=INSECURE_TEST_COST)
        self.limits = KeysLimits(domains_cached_max=3)
        self.keyring = Keyring.create(self.folder, self.custody, limits=self.limits)
        self.domains: dict[str, DomainKeys] = {}
        self.erased: set[str] = set()
        self.signers: dict[str, bytes] = {}
        self.recoveries: dict[str, str] = {}  # identities by the id of their recovery

    @rule(target=alive)
    def new_domain(self) -> str:
        domain_id = self.keyring.new_domain()
        self.domains[domain_id] = self.keyring.domain(domain_id)
        return domain_id

    @rule(target=alive, domain_id=consumes(alive))
    def erase(self, domain_id: str):
        self.keyring.erase(domain_id)
        del self.domains[domain_id]
        self.erased.add(domain_id)
        return multiple()

    @rule(name=st.sampled_from("abcdefgh"))
    def new_signer(self, name: str) -> None:
        if name not in self.signers:
            self.signers[name] = self.keyring.new_signer(name).public_key

    @rule(passphrase=st.text(min_size=1, max_size=3))
    def rotate(self, passphrase: str) -> None:
        self.custody = PassphraseCustody(passphrase, cost=INSECURE_TEST_COST)
        self.keyring.rotate_custody(self.custody)

    @rule()
    def set_up_recovery(self) -> None:
        identity = new_recovery_identity()
        recovery = Recovery(new_id(), (recipient_of(identity),))
        self.keyring.recoveries.add(recovery)
        self.recoveries[recovery.id] = identity

    @precondition(lambda self: self.recoveries)
    @rule(data=st.data())
    def revoke_recovery(self, data: st.DataObject) -> None:
        recovery = data.draw(st.sampled_from(sorted(self.recoveries)))
        self.keyring.recoveries.remove(recovery)
        gone = RecoveryCustody(self.recoveries.pop(recovery))
        with pytest.raises(KeysError):
            self.keyring.recoveries.prove(gone)

    @precondition(lambda self: self.recoveries)
    @rule(data=st.data())
    def lose_the_passphrase(self, data: st.DataObject) -> None:
        recovery = data.draw(st.sampled_from(sorted(self.recoveries)))
        self.keyring.close()
        opener = RecoveryCustody(self.recoveries[recovery])
        self.keyring = Keyring.open(self.folder, opener, limits=self.limits)
        self.custody = PassphraseCustody("found again", cost=INSECURE_TEST_COST)
        self.keyring.rotate_custody(self.custody)

    @rule()
    def reopen(self) -> None:
        self.keyring.close()
        self.keyring = Keyring.open(self.folder, self.custody, limits=self.limits)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "keyring"):
            return
        assert {each: self.keyring.domain(each) for each in self.domains} == self.domains
        for domain_id in self.erased:
            with pytest.raises(DomainErased):
                self.keyring.domain(domain_id)
        assert {way.id for way in self.keyring.recoveries.list()} == self.recoveries.keys()
        for recovery, identity in self.recoveries.items():
            assert self.keyring.recoveries.prove(RecoveryCustody(identity)).id == recovery
        found = {name: self.keyring.signer(name).public_key for name in self.signers}
        assert found == self.signers

    def teardown(self) -> None:
        if hasattr(self, "keyring"):
            self.keyring.close()
            shutil.rmtree(self.folder.parent)


TestKeyringAgainstModel = pytest.mark.timeout(60)(KeyringAgainstModel.TestCase)
KeyringAgainstModel.TestCase.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None
)
