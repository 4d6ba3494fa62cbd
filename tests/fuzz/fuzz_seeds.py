"""What the inputs are made from: small files of the corpora, and ones that are built here where there are none."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

LARGEST = 64 * 1024
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PDF = b"%PDF"
ZIP = b"PK\x03\x04"
RAR = b"Rar!\x1a\x07"
SEVEN_ZIP = b"7z\xbc\xaf\x27\x1c"
WITH_URLS = ("url-wpt", "own-vectors")


def seeds(target: str, corpora: Path | None) -> list[bytes]:
    """Always in the same order."""
    found = [BUILT[target]()]
    if corpora is None:
        return found
    if target == "url":
        return found + sorted(set(_urls(corpora)))
    return found + [data for data in _files(corpora) if BEGINS[target](data)]


def _files(corpora: Path) -> Iterator[bytes]:
    for path in sorted(corpora.rglob("*")):
        if path.is_file() and 0 < path.stat().st_size <= LARGEST:
            yield path.read_bytes()


def _urls(corpora: Path) -> Iterator[bytes]:
    for folder in WITH_URLS:
        for path in sorted((corpora / folder).glob("*.json")):
            for text in _texts(json.loads(path.read_bytes())):
                yield text.encode("utf-8", "surrogatepass")[:8192]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _is_mail(data: bytes) -> bool:
    head = data[:4096].lower()
    return any(name in head for name in (b"\nfrom: ", b"\nreceived: ", b"\nsubject: ", b"\nmime-version:"))


def _mail() -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.com", "b@example.com", "Grüße"
    mail.set_content("See http://www.example.com/a?b=c\n")
    mail.add_alternative('<a href="http://www.example.com/">here</a>', subtype="html")
    mail.add_attachment(_zip(), maintype="application", subtype="zip", filename="a.zip")
    return mail.as_bytes()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/a.txt", b"text " * 50)
        archive.writestr("b.eml", b"From: a@example.com\nSubject: b\n\nbody\n")
    return out.getvalue()


def _ole() -> bytes:
    """A compound file of one table, one folder and one stream."""
    free, end, table = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    header = (
        OLE + bytes(16) + struct.pack("<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 0, end, 0, end, 0, 0)
    )
    header += struct.pack("<109I", 0, *[free] * 108)

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = name.encode("utf-16-le") + b"\0\0"
        links, place = struct.pack("<BBIII", kind, 1, free, free, child), struct.pack("<IQ", start, size)
        return text.ljust(64, b"\0") + struct.pack("<H", len(text)) + links + bytes(36) + place

    folder = entry("Root Entry", 5, 1, end, 0) + entry("__properties_version1.0", 2, free, 2, 4096)
    allocation = struct.pack("<128I", table, end, *range(3, 10), end, *[free] * 118)
    return header + allocation + folder.ljust(512, b"\0") + b"\x1e\x00\x1a\x00" * 1024


def _pdf() -> bytes:
    return (
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R>>endobj\n"
        b"4 0 obj<</Length 32>>stream\nBT (http://www.example.com/) Tj ET\nendstream endobj\n"
        b"xref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R/Size 5>>\nstartxref\n9\n%%EOF\n"
    )


def _rar() -> bytes:
    """Version 5, with one stored file."""

    def block(*fields: int, more: bytes = b"", data: bytes = b"") -> bytes:
        head = bytes(fields) + more
        head = bytes([len(head)]) + head
        return struct.pack("<I", zlib.crc32(head)) + head + data

    text = b"text\n"
    named = struct.pack("<I", zlib.crc32(text)) + b"\x00\x01\x05a.txt"
    file = block(2, 2, len(text), 4, len(text), 0, more=named, data=text)
    return RAR + b"\x01\x00" + block(1, 0, 0) + file + block(5, 0, 0)


def _seven_zip() -> bytes:
    """One file, copied as it is."""
    text, name = b"text\n", "a.txt".encode("utf-16-le") + b"\0\0"
    streams = bytes((6, 0, 1, 9, len(text), 0, 7, 11, 1, 0, 1, 1, 0, 12, len(text), 0, 8, 0, 0))
    header = b"\x01\x04" + streams + b"\x05\x01\x11" + bytes((len(name) + 1, 0)) + name + b"\0\0"
    start = struct.pack("<QQI", len(text), len(header), zlib.crc32(header))
    return SEVEN_ZIP + b"\0\4" + struct.pack("<I", zlib.crc32(start)) + start + text + header


BEGINS: dict[str, Callable[[bytes], bool]] = {
    "mail": _is_mail,
    "zip": lambda data: data.startswith(ZIP),
    "ole": lambda data: data.startswith(OLE),
    "pdf": lambda data: PDF in data[:1024],
    "rar": lambda data: data.startswith(RAR),
    "7z": lambda data: data.startswith(SEVEN_ZIP),
}
BUILT: dict[str, Callable[[], bytes]] = {
    "mail": _mail,
    "zip": _zip,
    "ole": _ole,
    "pdf": _pdf,
    "url": lambda: b"hxxp://user@www[.]ex\xc3\xa4mple.com:80/%2e%2e/a;b?c=%41#d",
    "rar": _rar,
    "7z": _seven_zip,
}
TARGETS = tuple(BUILT)
