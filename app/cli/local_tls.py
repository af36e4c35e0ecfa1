"""``colloquy serve --local-tls``: a certificate for this machine, made once and used again."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from ..settings import Settings
from .terminal import CommandError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

VALID = timedelta(days=800)
"""How long a certificate is good for: Apple's systems take 825 days at most."""

RENEWED_BEFORE = timedelta(days=30)
"""How long before its end a certificate is replaced at a start."""

OF_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104  # compared, not listened on
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LocalCertificate:
    """Where a certificate is. Its authority signed nothing else: the authority's key is never stored."""

    server: Path
    """The private key and the certificate with its chain, for the server alone (mode 0600)."""

    authority: Path
    """What clients trust."""

    @classmethod
    def prepare(cls, folder: Path, host: str) -> LocalCertificate:
        """Return the certificate in a folder; it is made where there is none that serves ``host`` for long.

        Call it under ``Maintenance.start_up_lock``: then servers that start together use the same one.
        """
        certificate = cls(folder / "server.pem", folder / "authority.pem")
        names = names_for(host)
        if not certificate.is_good_for(names):
            certificate.make(names)
        return certificate

    def is_good_for(self, names: Iterable[str]) -> bool:
        """Whether both files are there, fit each other, and serve the names for some time yet."""
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            text = self.server.read_bytes()
            server = x509.load_pem_x509_certificates(text)[0]
            server.verify_directly_issued_by(x509.load_pem_x509_certificate(self.authority.read_bytes()))
            key = load_pem_private_key(text, password=None)
        except (FileNotFoundError, ValueError, TypeError, InvalidSignature):
            return False
        until = server.not_valid_after_utc - RENEWED_BEFORE
        return (
            key.public_key() == server.public_key()
            and server.not_valid_before_utc <= datetime.now(UTC) <= until
            and _names_of(server).issuperset(names)
        )

    def make(self, names: Iterable[str]) -> None:
        """Make a new authority and what it signs, in place of what is there."""
        import trustme

        now = datetime.now(UTC)
        authority = trustme.CA(
            path_length=0, organization_name="Colloquy", organization_unit_name="Local authority"
        )
        server = authority.issue_cert(
            *names,
            organization_name="Colloquy",
            organization_unit_name="Local server",
            not_before=now - timedelta(days=1),  # clocks differ
            not_after=now + VALID,
        )
        self.server.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        _replace(self.authority, authority.cert_pem.bytes(), 0o644)
        _replace(self.server, server.private_key_and_cert_chain_pem.bytes(), 0o600)


def require_local_tls(settings: Settings) -> None:
    """Refuse what a local certificate cannot be made or used with, before anything is made."""
    if settings.tls_cert or settings.tls_key:
        raise CommandError("--local-tls makes a certificate, COLLOQUY_TLS_CERT names one: use one of them")
    if find_spec("trustme") is None:
        raise CommandError("--local-tls needs its extra: pip install -e '.[local-tls]' in Colloquy's folder")


def names_for(host: str) -> set[str]:
    """Return the names and addresses that a server which listens on ``host`` is asked for."""
    names = {*OF_THIS_MACHINE, socket.gethostname() if host in EVERYWHERE else host}
    return {name.lower() for name in names if _is_address(name) or HOST_NAME.fullmatch(name)}


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _names_of(certificate: Certificate) -> set[str]:
    from cryptography.x509 import DNSName, IPAddress, SubjectAlternativeName

    names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    return {*names.get_values_for_type(DNSName), *map(str, names.get_values_for_type(IPAddress))}


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Write a file in one step: a key is never readable by others, nor half there."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)
