"""A network address, and whether it may be listened at."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

from freehold.listening.errors import ListenError


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; another host than loopback needs a certificate and its key."""

    host: str
    port: int
    certificate: Path | None = None
    private_key: Path | None = None

    def check(self) -> None:
        """Refuse what would send secrets in the clear.

        Raises:
            ListenError: a network address without TLS.
        """
        if self.certificate is None and not is_loopback(self.host):
            raise ListenError(
                "api.no_tls",
                f"{self.host} is reachable from the network, and no certificate is given",
                "give --tls-certificate and --tls-key, or listen on 127.0.0.1",
            )

    def bind(self) -> socket.socket:
        """Open the socket; whoever called closes it.

        Raises:
            ListenError: a network address without TLS, or one that cannot be listened at.
        """
        self.check()
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        network = socket.socket(family)
        network.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            network.bind((self.host, self.port))
        except OSError as error:
            network.close()
            raise ListenError(
                "api.address",
                f"cannot listen at {self.host} port {self.port}: {error.strerror or error}",
                "is another server there? choose another port",
            ) from error
        network.listen()
        return network


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine and cannot be reached from another."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
