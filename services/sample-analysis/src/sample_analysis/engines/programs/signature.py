"""Authenticode: who signed a program of Windows, and whether it is still the program that was signed."""

import hashlib
import struct
import warnings

import pefile
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from caseway_kit.archives import Content
from sample_analysis.engines.inspection import Inspection

SIGNATURE_BYTES = 16 * 1024 * 1024
_INDIRECT = bytes.fromhex("060a2b060104018237020104")
_HASHES = {
    bytes.fromhex("2b0e03021a"): "sha1",
    bytes.fromhex("2a864886f70d0205"): "md5",
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}
_SIGNED_DATA = 2


def place(program: pefile.PE) -> tuple[int, int] | None:
    """Offset and size of the certificate table."""
    directory = program.OPTIONAL_HEADER.DATA_DIRECTORY
    if len(directory) <= 4 or not directory[4].VirtualAddress or not directory[4].Size:
        return None
    return directory[4].VirtualAddress, directory[4].Size


def inspect(inspection: Inspection) -> None:
    content = inspection.content
    header = _Header(content)
    if not header.size:
        inspection.tell("not-signed", "It is not signed.")
        return
    table = content.read(header.offset, min(header.size, SIGNATURE_BYTES))
    length, _revision, kind = struct.unpack_from("<IHH", table) if len(table) >= 8 else (0, 0, 0)
    if kind != _SIGNED_DATA or not 8 < length <= len(table):
        says = "It states a signature, but there is none where it should be."
        inspection.tell("signature-damaged", says, f"offset {header.offset}")
        return
    signed = table[8:length]
    signers = _signers(signed)
    inspection.tell("signed", "It is signed; the signer was not checked against a list of trust.", "; ".join(signers))
    stated = _digest(signed)
    if stated is None:
        inspection.tell("signature-damaged", "What the signature was made over cannot be read.")
    elif _computed(content, header, stated[0]) == stated[1]:
        inspection.tell(
            "signature-fits", "The signature was made over this very program.", f"{stated[0]} {stated[1].hex()}"
        )
    else:
        says = "The signature was made over another program: this one was changed after that, or took it from there."
        inspection.suspect("signature-of-another", says, f"{stated[0]} {stated[1].hex()}")
    if any(table[length:].strip(b"\x00")[:1]) and header.size - length > 64:
        says = "Data was put behind the signature, where it does not break it."
        inspection.tell("signature-carries-data", says, f"offset {header.offset + length}")


class _Header:
    """Where the fields lie that no signature covers."""

    def __init__(self, content: Content) -> None:
        head = content.head(64)
        (start,) = struct.unpack_from("<I", head, 60)
        optional = content.read(start + 24, 240)
        wide = optional[:2] == b"\x0b\x02"
        self.checksum = start + 24 + 64
        self.entry = start + 24 + (112 if wide else 96) + 4 * 8
        count = optional[108:112] if wide else optional[92:96]
        self.offset = self.size = 0
        if len(count) == 4 and int.from_bytes(count, "little") > 4:
            fields = content.read(self.entry, 8)
            if len(fields) == 8:
                self.offset, self.size = struct.unpack("<II", fields)
        if self.offset + self.size > content.size or self.offset < self.entry:
            self.size = max(0, content.size - self.offset) if self.entry < self.offset < content.size else 0


def _computed(content: Content, header: _Header, algorithm: str) -> bytes:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for start, end in (
        (0, header.checksum),
        (header.checksum + 4, header.entry),
        (header.entry + 8, header.offset),
        (header.offset + header.size, content.size),
    ):
        at = start
        while at < end and (chunk := content.read(at, min(1 << 20, end - at))):
            digest.update(chunk)
            at += len(chunk)
    return digest.digest()


def _digest(signed: bytes) -> tuple[str, bytes] | None:
    """Algorithm and digest in the SpcIndirectDataContent."""
    at = signed.find(_INDIRECT)
    if at < 0:
        return None
    try:
        _, outer, _ = _field(signed, at + len(_INDIRECT))
        _, inner, _ = _field(signed, outer)
        _, _, after_attribute = _field(signed, inner)
        _, digest_info, _ = _field(signed, after_attribute)
        _, algorithm, after_algorithm = _field(signed, digest_info)
        _, start, end = _field(signed, algorithm)
        name = _HASHES.get(signed[start:end])
        _, start, end = _field(signed, after_algorithm)
    except IndexError:
        return None
    return (name, signed[start:end]) if name else None


def _field(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and end of the value of the DER field at ``at``; IndexError behind the end."""
    tag, length = data[at], data[at + 1]
    at += 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[at : at + count], "big")
        at += count
    if at + length > len(data):
        raise IndexError(at)
    return tag, at, at + length


def _signers(signed: bytes) -> list[str]:
    """Names on the certificates that sign no other certificate of the signature."""
    try:
        with warnings.catch_warnings():
            # The library warns of forms that real signatures have.
            warnings.simplefilter("ignore")
            certificates = pkcs7.load_der_pkcs7_certificates(signed)
            issuers = {certificate.issuer for certificate in certificates if certificate.issuer != certificate.subject}
            leaves = [each for each in certificates if each.subject not in issuers] or certificates[:1]
            return [_common_name(certificate) for certificate in leaves[:5]]
    except (ValueError, TypeError, NotImplementedError, x509.UnsupportedGeneralNameType):
        return ["certificates that cannot be read"]


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
