"""May the console answer beyond this machine: only over TLS, and only where people sign in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exposure:
    """Where the console answers and what protects it.

    `tls`: it shows a certificate itself. `proxy`: a named reverse proxy stands before it.
    `https`: people come by HTTPS, to the console itself or to the proxy.
    `sign_in`: there is a way to sign in: an account, OpenID Connect, or the proxy's header.
    """

    listen: str
    tls: bool
    proxy: bool
    sign_in: bool
    https: bool

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.listen.rpartition(":")[0].strip("[]"))

    def refusal(self) -> str | None:
        """Say why it may not answer there, with the cure; None when it may."""
        if self.is_local:
            return None
        beyond = f"console.listen {self.listen} reaches beyond this machine"
        if not self.tls and not self.proxy:
            return (
                f"{beyond} without TLS: passwords could be read on the way. Give console.tls a"
                " certificate, or name the reverse proxy that has one in console.proxy.trusted,"
                " or listen on 127.0.0.1"
            )
        if not self.https:
            return (
                f"{beyond} behind a proxy, and browsers do not know that people come by HTTPS."
                " Write the proxy's address in console.public_url, as in https://seats.example.com"
            )
        if not self.sign_in:
            return (
                f"{beyond}, and nobody could sign in. Add an account with `seatkeeper accounts"
                " add NAME --role admin`, or describe console.oidc or console.proxy.user_header,"
                " or listen on 127.0.0.1 for the first start"
            )
        return None


def is_loopback(host: str) -> bool:
    """Whether an address, or a name, is this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def comes_from(peer: str, networks: Iterable[str]) -> bool:
    """Whether a connection's address lies in one of the networks; IPv4 inside IPv6 is IPv4."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in ipaddress.ip_network(network) for network in networks)
