"""The verifier's own Ed25519: vectors, agreement with `cryptography`, odd points refused."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from freehold_verify import ORDER, P, check_signature, decode_point

# RFC 8032, 7.1: secret key, public key, message, signature
VECTORS = {
    "TEST 1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    "TEST 2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "TEST 3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    "TEST SHA(abc)": (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        hashlib.sha512(b"abc").hexdigest(),
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
}


def accepts(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        check_signature(public, message, signature)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_a_vector_of_rfc_8032_holds_and_no_changed_one(vector):
    secret, public, message, signature = map(bytes.fromhex, vector)
    assert Ed25519PrivateKey.from_private_bytes(secret).sign(message) == signature
    assert accepts(public, message, signature)
    assert not accepts(public, message + b"\0", signature)
    for index in range(64):
        changed = signature[:index] + bytes([signature[index] ^ 4]) + signature[index + 1 :]
        assert not accepts(public, message, changed)


@given(
    secret=st.binary(min_size=32, max_size=32),
    message=st.binary(),
    place=st.integers(0, 511),
    is_changed=st.booleans(),
)
def test_it_agrees_with_cryptography(secret, message, place, is_changed):
    key = Ed25519PrivateKey.from_private_bytes(secret)
    signature = int.from_bytes(key.sign(message), "little") ^ (is_changed << place)
    raw, public = signature.to_bytes(64, "little"), key.public_key().public_bytes_raw()
    assert accepts(public, message, raw) is not is_changed
    if is_changed:
        with pytest.raises(InvalidSignature):
            Ed25519PublicKey.from_public_bytes(public).verify(raw, message)


def test_an_s_that_is_not_reduced_is_refused():
    _, public, message, signature = map(bytes.fromhex, VECTORS["TEST 2"])
    s = int.from_bytes(signature[32:], "little") + ORDER
    assert not accepts(public, message, signature[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("length", [0, 32, 63, 65])
def test_a_signature_of_another_length_is_refused(length):
    _, public, message, signature = map(bytes.fromhex, VECTORS["TEST 2"])
    assert not accepts(public, message, (signature + b"\0")[:length])


EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
ODD_POINTS = {
    "order 1": 1,
    "order 2": P - 1,
    "order 4": 0,
    "order 8": EIGHTH,
    "order 8, the other": P - EIGHTH,
    "not canonical, order 4": P,
    "not canonical, order 1": P + 1,
    "not canonical, another": 2**255 - 2,
    "not on the curve": 2,
}


@pytest.mark.parametrize("y", ODD_POINTS.values(), ids=ODD_POINTS)
@pytest.mark.parametrize("sign", [0, 1])
def test_a_key_that_is_an_odd_point_is_refused(y, sign):
    with pytest.raises(ValueError, match=r"point of the curve|small order"):
        decode_point((y | sign << 255).to_bytes(32, "little"))


def test_a_key_whose_point_is_not_canonical_is_refused():
    """y = 3 is on the curve, of large order, and P + 3 still fits into 255 bits."""
    decode_point((3).to_bytes(32, "little"))
    with pytest.raises(ValueError, match="point of the curve"):
        decode_point((P + 3).to_bytes(32, "little"))


def test_a_key_of_another_length_is_refused():
    for length in (0, 31, 33):
        with pytest.raises(ValueError, match="point of the curve"):
            decode_point(bytes.fromhex(VECTORS["TEST 1"][1] + "00")[:length])


def test_a_signature_whose_r_is_not_canonical_is_refused():
    """With R the neutral point, S = k * secret fits; only its one canonical encoding may pass."""
    secret, public = (bytes.fromhex(part) for part in VECTORS["TEST 1"][:2])
    clamped = bytearray(hashlib.sha512(secret).digest()[:32])
    clamped[0] &= 248
    clamped[31] = clamped[31] & 127 | 64
    scalar = int.from_bytes(clamped, "little")
    for r, is_canonical in ((1, True), (P + 1, False), (1 | 1 << 255, False)):
        point = r.to_bytes(32, "little")
        k = int.from_bytes(hashlib.sha512(point + public + b"m").digest(), "little")
        signature = point + (k * scalar % ORDER).to_bytes(32, "little")
        assert accepts(public, b"m", signature) is is_canonical
