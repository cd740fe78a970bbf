"""Signing with a person's own key: a key file here, everything else by the machine's `ssh-keygen`.

Keys in ssh-agent and security keys never leave where they are; `ssh-keygen` talks to them, with
fixed arguments, no shell, and the message over its standard input. What comes back is verified
before it is returned.
"""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_private_key,
)

from freehold.kernel.signatures._keys import PLAIN, key_blob, parse_public_key, public_key_of
from freehold.kernel.signatures._limits import SIGNATURE_LIMITS
from freehold.kernel.signatures._statement import NAMESPACE
from freehold.kernel.signatures._verify import BEGIN, END, MAGIC, signed_data, verify
from freehold.kernel.signatures._wire import pack
from freehold.kernel.signatures.errors import SignatureError, SigningError

_PRIVATE = b"-----BEGIN OPENSSH PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class SshAgent:
    """A key that ssh-agent holds; the agent is that of the environment unless `socket` is given."""

    public_key: str
    socket: Path | None = None


def sign(message: bytes, key: Path | SshAgent, *, namespace: str = NAMESPACE) -> str:
    """Sign `message` and return the armored SSH signature.

    `key` is an `SshAgent`, or the file of an Ed25519 private key, of a security key's handle, or of
    a public key whose private part ssh-agent holds. A security key blinks until it is touched; the
    passphrase of a key file is asked by `ssh-keygen` at the terminal and never comes here.

    Raises:
        SigningError: no signature could be made; the message says why and what to do.
        KeyFormatError: the public key is not an Ed25519 key.
    """
    if len(message) > SIGNATURE_LIMITS.message_bytes_max:
        raise _failed(
            f"{len(message)} bytes, at most {SIGNATURE_LIMITS.message_bytes_max} are signed",
            "sign the statement that Freehold printed, and nothing else",
        )
    if isinstance(key, SshAgent):
        with tempfile.TemporaryDirectory(prefix="freehold-sign-") as folder:
            path = Path(folder, "key.pub")
            path.write_text(parse_public_key(key.public_key) + "\n")
            return _sign_by_keygen(message, path, namespace=namespace, socket=key.socket)
    private = _load(key)
    if private is None:
        return _sign_by_keygen(message, key, namespace=namespace, socket=None)
    return _sign_by_file(message, private, namespace=namespace)


def _load(path: Path) -> Ed25519PrivateKey | None:
    """Read a private key; None for what `ssh-keygen` has to sign with."""
    try:
        with path.open("rb") as file:
            data = file.read(SIGNATURE_LIMITS.key_file_bytes_max + 1)
    except OSError as error:
        raise _failed(
            f"cannot read the key {path}: {error.strerror}",
            "check the path, and that you may read the file; then sign again",
        ) from error
    if not data.startswith(_PRIVATE):
        return None
    try:
        key = load_ssh_private_key(data, None)
    except (UnsupportedAlgorithm, TypeError):  # a security key's handle, or an encrypted key
        return None
    except ValueError as error:
        raise _failed(
            f"the key file {path} is damaged: {error}",
            "take another copy of it, or make a key and have it enrolled",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _failed(f"{path} is not an Ed25519 key", "make one with: ssh-keygen -t ed25519")
    return key


def _sign_by_file(message: bytes, key: Ed25519PrivateKey, *, namespace: str) -> str:
    public_key = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    signature = pack(PLAIN.encode(), key.sign(signed_data(message, namespace)))
    parts = pack(key_blob(public_key), namespace.encode(), b"", b"sha512", signature)
    encoded = base64.b64encode(MAGIC + parts).decode()
    return "\n".join([BEGIN, *textwrap.wrap(encoded, 70), END, ""])


def _sign_by_keygen(message: bytes, path: Path, *, namespace: str, socket: Path | None) -> str:
    public_key = public_key_of(path)
    environment = dict(os.environ)
    if socket is not None:
        environment["SSH_AUTH_SOCK"] = str(socket)
    command = ["ssh-keygen", "-Y", "sign", "-f", os.path.abspath(path), "-n", namespace]
    other = "check which ssh-keygen is the first in PATH (command -v ssh-keygen)"
    hint = "unlock the key with ssh-add (ssh-add -l lists what is), or plug in the security key"
    try:
        done = subprocess.run(
            command,
            input=message,
            capture_output=True,
            env=environment,
            timeout=SIGNATURE_LIMITS.signing_seconds_max,
            check=True,
        )
        armored = done.stdout.decode("ascii")
    except FileNotFoundError as error:
        raise _failed(
            "ssh-keygen is not installed", "install OpenSSH, or use a key file"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise _failed("the security key was not touched in time", "sign again") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().replace("\n", "; ")
        raise _failed(f"ssh-keygen could not sign with {path}: {said:.300}", hint) from error
    except UnicodeDecodeError as error:
        raise _failed(
            "ssh-keygen wrote something that is not an armored signature", other
        ) from error
    try:
        verify(message, armored, public_key, namespace=namespace)
    except SignatureError as error:
        raise _failed(f"ssh-keygen's signature does not verify: {error.message}", other) from error
    return armored


def _failed(message: str, hint: str) -> SigningError:
    return SigningError("signatures.sign", message, hint)
