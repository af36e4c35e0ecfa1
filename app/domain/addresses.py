"""Network addresses, as far as they tell one client from another."""

from __future__ import annotations

from ipaddress import IPv6Address


def network_of(address: str | None) -> str:
    """Return what counts as one address: of IPv6 the /64, which a single subscriber commonly has.

    Proxies may name a port beside the address. A server behind a Unix socket sees no address.
    """
    if not address or ":" not in address:
        return address or "unknown"
    if address.startswith("["):
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        return address.partition(":")[0]
    try:
        parsed = IPv6Address(address)
    except ValueError:
        return address[:64]
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))
