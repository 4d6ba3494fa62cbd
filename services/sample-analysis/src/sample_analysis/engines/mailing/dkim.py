"""Signatures of a mail checked with keys that are handed in; no key is looked up."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

SIGNATURES = 10
SHORTEST_KEY = 1024
_FIELD_END = re.compile(rb"\r\n(?![ \t])")
_BLANKS = re.compile(rb"[ \t]+")
_SIGNATURE_ITSELF = re.compile(rb"(?i)((?:^|;)\s*b\s*=)[^;]*")
Field = tuple[bytes, bytes]


def verified(mail: bytes, keys: Mapping[str, str]) -> str:
    """``pass`` if a signature holds, ``fail`` if one whose key is known does not, empty where none can be checked.

    ``keys``: the text of a key record by its name (``selector._domainkey.domain``).
    """
    if not keys or b"dkim-signature" not in mail[: 1024 * 1024].lower():
        return ""
    data = re.sub(rb"\r\n|\r|\n", b"\r\n", mail)
    head, _, body = data.partition(b"\r\n\r\n")
    fields = [(line, line.partition(b":")[0].strip().lower()) for line in _FIELD_END.split(head)]
    results = list(_each(fields, body, {name.lower(): text for name, text in keys.items()}))
    return "pass" if True in results else "fail" if results else ""


def _each(fields: list[Field], body: bytes, keys: Mapping[str, str]) -> Iterator[bool]:
    signatures = [line for line, name in fields if name == b"dkim-signature"][:SIGNATURES]
    for line in signatures:
        tags = _tags(line.partition(b":")[2])
        name = b"%s._domainkey.%s" % (tags.get(b"s", b""), tags.get(b"d", b""))
        if (text := keys.get(name.decode("utf-8", "replace").lower())) is not None:
            yield _holds(line, tags, fields, body, text)


def _tags(value: bytes) -> dict[bytes, bytes]:
    pairs = (part.partition(b"=") for part in value.split(b";"))
    return {name.strip(): re.sub(rb"\s+", b"", text) for name, equals, text in pairs if equals}


def _holds(line: bytes, tags: dict[bytes, bytes], fields: list[Field], body: bytes, key: str) -> bool:
    header_way, _, body_way = tags.get(b"c", b"simple/simple").lower().partition(b"/")
    canonical = _body(body, relaxed=body_way == b"relaxed")
    if (length := tags.get(b"l", b"")).isdigit():
        canonical = canonical[: int(length[:12])]
    try:
        stated = base64.b64decode(tags[b"bh"], validate=True)
        signature = base64.b64decode(tags[b"b"], validate=True)
    except (KeyError, binascii.Error):
        return False
    if hashlib.sha256(canonical).digest() != stated or b"from" not in tags.get(b"h", b"").lower().split(b":"):
        return False
    signed = _header(line, tags[b"h"], fields, relaxed=header_way == b"relaxed")
    return _signed(tags.get(b"a", b"").lower(), key, signature, signed)


def _header(line: bytes, names: bytes, fields: list[Field], *, relaxed: bool) -> bytes:
    """The fields that were signed, the last of a name first, and the signature without itself."""
    left: dict[bytes, list[bytes]] = {}
    for each, name in fields:
        left.setdefault(name, []).append(each)
    chosen = [left[name].pop() for raw in names.lower().split(b":") if left.get(name := raw.strip())]
    own_name, _, own_value = line.partition(b":")
    chosen.append(own_name + b":" + _SIGNATURE_ITSELF.sub(rb"\1", own_value))
    return b"\r\n".join(_relaxed(each) if relaxed else each for each in chosen)


def _relaxed(line: bytes) -> bytes:
    name, _, value = line.partition(b":")
    return name.strip().lower() + b":" + _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip()


def _body(body: bytes, *, relaxed: bool) -> bytes:
    if relaxed:
        body = b"\r\n".join(_BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n"))
    end = len(body)
    while body[end - 2 : end] == b"\r\n" and end >= 2:
        end -= 2
    body = body[:end]
    return body + b"\r\n" if body or not relaxed else b""


def _signed(algorithm: bytes, key: str, signature: bytes, signed: bytes) -> bool:
    tags = _tags(key.encode("utf-8", "replace"))
    try:
        data = base64.b64decode(tags.get(b"p", b""), validate=True)
        if algorithm == b"ed25519-sha256":
            digest = hashlib.sha256(signed).digest()
            ed25519.Ed25519PublicKey.from_public_bytes(data).verify(signature, digest)
            return True
        public = load_der_public_key(data)
        if algorithm != b"rsa-sha256" or not isinstance(public, rsa.RSAPublicKey) or public.key_size < SHORTEST_KEY:
            return False
        public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
