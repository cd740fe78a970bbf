"""The keyring: secrets of key domains and signers, wrapped by a custody, erasable for good.

It knows nothing of what its keys protect. Format: docs/formats/vault.md.

    custody = PassphraseCustody(passphrase)
    Keyring.create(folder, custody).close()
    with Keyring.open(folder, custody) as keyring:
        domain_id = keyring.new_domain()
        keys = keyring.domain(domain_id)  # the age identity and the keys derived from it
        keyring.erase(domain_id)          # from here on nobody can have them again
"""

from freehold.kernel.keys._custody import (
    INSECURE_TEST_COST,
    Custody,
    PassphraseCustody,
    ScryptCost,
)
from freehold.kernel.keys._disk import Disk, LocalDisk
from freehold.kernel.keys._domain import DomainKeys
from freehold.kernel.keys._keyring import Keyring, peek_pins
from freehold.kernel.keys._limits import DEFAULT_KEYS_LIMITS, KeysLimits
from freehold.kernel.keys._signer import SigningKey
from freehold.kernel.keys.errors import (
    DomainErased,
    KeysError,
    UnknownDomain,
    UnknownSigner,
    WrongCustody,
)

__all__ = [
    "DEFAULT_KEYS_LIMITS",
    "INSECURE_TEST_COST",
    "Custody",
    "Disk",
    "DomainErased",
    "DomainKeys",
    "Keyring",
    "KeysError",
    "KeysLimits",
    "LocalDisk",
    "PassphraseCustody",
    "ScryptCost",
    "SigningKey",
    "UnknownDomain",
    "UnknownSigner",
    "WrongCustody",
    "peek_pins",
]
