"""RFC 3161 over bytes: requests written, responses verified. Sends nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from freehold.stamps.errors import StampError

RESPONSE_BYTES_MAX = 65_536  # a token with its chain has about 6 kB


def read_root(pem: str) -> tuple[x509.Certificate, bytes]:
    """Read a root certificate; gives it and its DER.

    Raises:
        StampError: no certificate.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise StampError(
            "stamp.certificate",
            f"this is no certificate in PEM: {error}",
            "give the root certificate of the authority, -----BEGIN CERTIFICATE-----",
        ) from error
    return certificate, certificate.public_bytes(Encoding.DER)


def write_request(text: bytes, *, has_nonce: bool) -> tuple[bytes, int | None]:
    """Write a request for SHA-256 of `text`; gives it and its nonce."""
    builder = TimestampRequestBuilder().data(text).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.nonce(nonce=has_nonce).cert_request(cert_request=True).build()
    return request.as_bytes(), request.nonce


def verify_response(
    response: bytes, text: bytes, *, root: x509.Certificate, nonce: int | None = None
) -> datetime:
    """Check that an authority under `root` stamped `text`; gives the time that it stamped.

    Raises:
        StampError: it refused, or the stamp is of something else or of nobody we trust.
    """
    if len(response) > RESPONSE_BYTES_MAX:
        raise _refused(f"{len(response)} bytes are no stamp")
    try:
        decoded: TimeStampResponse = decode_timestamp_response(response)
        builder = VerifierBuilder().add_root_certificate(root)
        verifier = (builder if nonce is None else builder.nonce(nonce)).build()
        verifier.verify_message(decoded, text)
        return decoded.tst_info.gen_time.astimezone(UTC)
    except (ValueError, VerificationError) as error:
        raise _refused(str(error) or type(error).__name__) from error


def _refused(why: str) -> StampError:
    return StampError(
        "stamp.refused",
        f"the stamp does not hold: {why}",
        "check that it answers this request, and that the declared root is the authority's",
    )
