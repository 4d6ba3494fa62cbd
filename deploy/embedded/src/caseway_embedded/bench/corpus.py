"""Protected zips with children that exist once each, so that no system wins by knowing them already.

Made here, or taken from a folder that holds a ``corpus.json`` (its lines name ``file`` and ``children``).
"""

import base64
import json
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from caseway_embedded.demo.samples import EICAR
from caseway_kit.archives.writing import protected_zip

PASSWORD = "infected"  # noqa: S105 - what samples are sent under everywhere
WORDS = ("invoice", "statement", "delivery", "review", "contract", "customer", "policy", "gateway", "report", "summary")
DOS_STUB = b"\x0e\x1f\xba\x0e\x00\xb4\x09\xcd\x21\xb8\x01\x4c\xcd\x21This program cannot be run in DOS mode.\r\r\n$"
PROGRAM_BYTES = 64 * 1024


@dataclass(frozen=True)
class Sample:
    name: str
    content: bytes
    children: int


def made(count: int, *, seed: int = 0) -> list[Sample]:
    """``count`` zips of six children; the same seed gives the same ones."""
    return [_made(number, random.Random(f"{seed}/{number}")) for number in range(count)]  # noqa: S311 - no secret


def taken(folder: Path, count: int) -> list[Sample]:
    rows = [json.loads(line) for line in (folder / "corpus.json").read_text().splitlines()]
    named = [row for row in rows if "file" in row][:count]
    if len(named) < count:
        raise ValueError(f"{folder} holds {len(named)} zips; {count} are asked for")
    return [Sample(row["file"], (folder / row["file"]).read_bytes(), row["children"]) for row in named]


def _made(number: int, chance: random.Random) -> Sample:
    children = dict(_children(number, chance))
    return Sample(f"case-{number:06}.zip", protected_zip(children, PASSWORD, encryption="zipcrypt"), len(children))


def _children(number: int, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    # Blanks behind it leave the test file valid.
    blanks = "".join(" \t"[bit == "1"] for bit in f"{chance.getrandbits(24):024b}")
    yield "eicar.com", EICAR + blanks.encode()
    yield "update.exe", _program(chance)
    yield "readme.txt", _text(chance, 4096)
    command = base64.b64encode(f"Write-Output '{chance.getrandbits(128):032x}'".encode("utf-16le")).decode()
    yield "run.ps1", f"# lab sample\r\npowershell.exe -NoProfile -EncodedCommand {command}\r\n".encode()
    link = f'<a href="http://login.example.test/{chance.getrandbits(64):x}">sign in</a>'
    page = f"<!doctype html><html><body>{link}<script>var a=1;</script>"
    yield "page.html", page.encode() + _text(chance, 2048) + b"</body></html>"
    mail = (
        f"From: a@example.test\r\nTo: b@example.test\r\nSubject: invoice {number}\r\nMIME-Version: 1.0\r\n"
        f"Message-ID: <{chance.getrandbits(64):x}@example.test>\r\nContent-Type: text/plain\r\n\r\n"
        f"See http://pay.example.test/{chance.getrandbits(64):x}\r\n"
    )
    yield "mail.eml", mail.encode() + _text(chance, 1024)


def _text(chance: random.Random, size: int) -> bytes:
    lines: list[str] = []
    while sum(map(len, lines)) < size:
        lines.append(" ".join(chance.choices(WORDS, k=12)) + "\r\n")
    return "".join(lines).encode()


def _program(chance: random.Random) -> bytes:
    """A PE32 image that imports nothing and returns at once."""
    code = (b"\xc3" + chance.randbytes(PROGRAM_BYTES - 1)).ljust(PROGRAM_BYTES, b"\0")
    dos = b"MZ\x90\x00\x03".ljust(0x3C, b"\0") + struct.pack("<I", 0x80) + DOS_STUB
    coff = struct.pack("<HHIIIHH", 0x14C, 1, chance.getrandbits(31), 0, 0, 0xE0, 0x102)
    sizes = struct.pack("<HBBIIIIII", 0x10B, 14, 0, len(code), 0, 0, 0x1000, 0x1000, 0x2000)
    image = struct.pack("<IIIHHHHHHIIIIHH", 0x400000, 0x1000, 0x200, *(6, 0, 0, 0, 6, 0), 0, 0x12000, 0x200, 0, 3, 0)
    memory = struct.pack("<IIIIII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    optional = (sizes + image + memory).ljust(0xE0, b"\0")
    place = (len(code), 0x1000, len(code), 0x200)
    section = struct.pack("<8sIIIIIIHHI", b".text", *place, 0, 0, 0, 0, 0x60000020)
    return (dos.ljust(0x80, b"\0") + b"PE\0\0" + coff + optional + section).ljust(0x200, b"\0") + code
