"""The keyring: secrets of key domains and signers, wrapped by a custody, erasable for good.

It knows nothing of what its keys protect. Format: docs/formats/vault.md.

    custody = PassphraseCustody(passphrase)
    Keyring.create(folder, custody).close()
    with Keyring.open(folder, custody) as keyring:
        domain_id = keyring.new_domain()
        keys = keyring.domain(domain_id)  # the age identity and the keys derived from it
        keyring.erase(domain_id)          # from here on nobody can have them again
"""

from freehold.kernel.keys._copy import KeyringWriter, Row, Snapshot, unlock
from freehold.kernel.keys._custody import (
    INSECURE_TEST_COST,
    Custody,
    PassphraseCustody,
    ScryptCost,
)
from freehold.kernel.keys._disk import Disk, LocalDisk
from freehold.kernel.keys._domain import DomainKeys
from freehold.kernel.keys._identity import age_private_key
from freehold.kernel.keys._keyring import Keyring, peek_pins, pinned_number
from freehold.kernel.keys._limits import DEFAULT_KEYS_LIMITS, KeysLimits
from freehold.kernel.keys._recoveries import Recoveries
from freehold.kernel.keys._recovery import (
    Recovery,
    RecoveryCustody,
    check_recipient,
    new_recovery_identity,
    recipient_of,
)
from freehold.kernel.keys._shares import combine_shares, split_identity
from freehold.kernel.keys._signer import SigningKey
from freehold.kernel.keys._survey import KeyringFiles, KeyringState
from freehold.kernel.keys.errors import (
    BadPin,
    BadShares,
    DomainErased,
    KeysError,
    UnknownDomain,
    UnknownSigner,
    WrongCustody,
)

__all__ = [
    "DEFAULT_KEYS_LIMITS",
    "INSECURE_TEST_COST",
    "BadPin",
    "BadShares",
    "Custody",
    "Disk",
    "DomainErased",
    "DomainKeys",
    "Keyring",
    "KeyringFiles",
    "KeyringState",
    "KeyringWriter",
    "KeysError",
    "KeysLimits",
    "LocalDisk",
    "PassphraseCustody",
    "Recoveries",
    "Recovery",
    "RecoveryCustody",
    "Row",
    "ScryptCost",
    "SigningKey",
    "Snapshot",
    "UnknownDomain",
    "UnknownSigner",
    "WrongCustody",
    "age_private_key",
    "check_recipient",
    "combine_shares",
    "new_recovery_identity",
    "peek_pins",
    "pinned_number",
    "recipient_of",
    "split_identity",
    "unlock",
]
