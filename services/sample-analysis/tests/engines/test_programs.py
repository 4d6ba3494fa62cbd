import hashlib
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

from sample_analysis.engines.inspection import Inspection, run
from sample_analysis.engines.programs import pe

Examine = Callable[..., Any]
CODE, DATA = 0x60000020, 0xC0000040
HEADERS = 0x400


def program(*sections: tuple[bytes, int, bytes], entry: int = 0x1000, built: int = 1_700_000_000) -> bytes:
    """A 64-bit program of these sections, which nobody could run."""
    optional = struct.pack("<HBBIIIII", 0x20B, 1, 0, 0x200, 0, 0, entry, 0x1000)
    optional += struct.pack("<QII6HIIIIHH", 0x140000000, 0x1000, 0x200, 6, 0, 0, 0, 6, 0, 0, 0x10000, HEADERS, 0, 3, 0)
    optional += struct.pack("<4QII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16) + b"\x00" * 128
    table = body = b""
    for number, (name, flags, data) in enumerate(sections, start=1):
        size = -(-len(data) // 0x200) * 0x200
        table += name.ljust(8, b"\x00") + struct.pack(
            "<6IHHI", max(len(data), 1), number * 0x1000, size, HEADERS + len(body), 0, 0, 0, 0, flags
        )
        body += data.ljust(size, b"\x00")
    head = b"MZ".ljust(60, b"\x00") + struct.pack("<I", 64)
    head += b"PE\x00\x00" + struct.pack("<HHIIIHH", 0x8664, len(sections), built, 0, 0, len(optional), 0x22)
    return (head + optional + table).ljust(HEADERS, b"\x00") + body


def told(report: Any) -> dict[str, str]:
    return {reason.rule: reason.where for reason in report.root.reasons}


def noise(count: int) -> bytes:
    return b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(count // 32))


def test_a_program_tells_what_its_headers_state(examine: Examine) -> None:
    report = examine(program((b".text", CODE, b"\xc3" * 600), (b".data", DATA, b"a")), "a.exe")
    assert told(report) == {
        "program": ".text, .data",
        "build-time": "2023-11-14T22:13:20+00:00",
        "no-imports": "",
        "not-signed": "",
    }
    assert report.root.verdict == "unknown"


def test_what_packed_programs_have_is_told_and_alone_not_suspicious(examine: Examine) -> None:
    packed = program((b"UPX0", CODE | 0x80000000, noise(16_384)), entry=0x9000) + b"behind" * 100
    report = examine(packed, "a.exe")
    assert {"section-packed", "section-writes-code", "entry-outside", "overlay"} <= set(told(report))
    assert told(report)["overlay"] == f"offset {HEADERS + 16_384}"
    assert "entry-in-data" in told(examine(program((b".data", DATA, b"\xc3" * 600)), "a.exe"))
    assert report.root.verdict == "unknown"


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    length = bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")
    return bytes([tag]) + length + body


def sign(data: bytes) -> bytes:
    """Signed as Authenticode does it, as far as what is looked at: certificates and the digest of the program."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example Signer")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    checksum, entry = 64 + 24 + 64, 64 + 24 + 112 + 32
    covered = data[:checksum] + data[checksum + 4 : entry] + data[entry + 8 :]
    algorithm = der(0x30, der(0x06, bytes.fromhex("608648016503040201")), der(0x05))
    digest = der(0x30, algorithm, der(0x04, hashlib.sha256(covered).digest()))
    attribute = der(0x30, der(0x06, bytes.fromhex("2b06010401823702010f")))
    content = bytes.fromhex("060a2b060104018237020104") + der(0xA0, der(0x30, attribute, digest))
    blob = pkcs7.serialize_certificates([certificate], Encoding.DER) + content
    blob += b"\x00" * (-(len(blob) + 8) % 8)
    table = struct.pack("<IHH", len(blob) + 8, 0x200, 2) + blob
    return data[:entry] + struct.pack("<II", len(data), len(table)) + data[entry + 8 :] + table


def test_a_signature_fits_only_the_program_that_was_signed(examine: Examine) -> None:
    signed = sign(program((b".text", CODE, b"\xc3" * 600)))
    report = examine(signed, "a.exe")
    assert {"signed", "signature-fits"} <= set(told(report))
    assert (report.root.verdict, "overlay" in told(report)) == ("unknown", False)
    changed = examine(signed.replace(b"\xc3" * 600, b"\xcc" * 600), "a.exe")
    assert "signature-of-another" in told(changed)
    assert changed.root.verdict == "suspicious"
    # The checksum is no part of what is signed.
    assert "signature-fits" in told(examine(signed[:152] + b"\x01\x02\x03\x04" + signed[156:], "a.exe"))
    assert "signature-damaged" in told(examine(signed[:-200], "a.exe"))


def elf(wide: bool, order: str, flags: int = 5, entry: int = 0x1000, body: bytes = b"\x90" * 100) -> bytes:
    form, segment = ("QQQ", 56) if wide else ("III", 32)
    head_size = 64 if wide else 52
    head = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + b"\x00" * 9
    head += struct.pack(f"{order}HHI{form}I6H", 2, 62, 1, entry, head_size, 0, 0, head_size, segment, 1, 0, 0, 0)
    at = head_size + segment
    if wide:
        return head + struct.pack(f"{order}IIQQQQQQ", 1, flags, at, 0x1000, 0x1000, len(body), len(body), 1) + body
    return head + struct.pack(f"{order}8I", 1, at, 0x1000, 0x1000, len(body), len(body), flags, 1) + body


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_program_of_linux_tells_what_its_headers_state(examine: Examine, wide: bool, order: str) -> None:
    assert set(told(examine(elf(wide, order), "a"))) == {"program", "no-sections"}
    odd = told(examine(elf(wide, order, flags=7, entry=0x99, body=noise(8192)) + b"behind" * 10, "a"))
    assert set(odd) == {"program", "no-sections", "section-writes-code", "section-packed", "entry-outside", "overlay"}


def mach(order: str, *commands: bytes) -> bytes:
    body = b"".join(commands)
    return struct.pack(f"{order}8I", 0xFEEDFACF, 0x0100000C, 0, 2, len(commands), len(body), 0, 0) + body


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_program_of_macos_tells_what_its_headers_state(examine: Examine, order: str) -> None:
    library = struct.pack(f"{order}6I", 0x0C, 56, 24, 0, 0, 0) + b"/usr/lib/libSystem.B.dylib".ljust(32, b"\x00")
    report = examine(mach(order, library), "a")
    assert told(report) == {"program": "/usr/lib/libSystem.B.dylib", "not-signed": ""}
    signed = examine(mach(order, library, struct.pack(f"{order}4I", 0x1D, 16, 0, 0)), "a")
    assert "signed" in told(signed)
    one = mach("<", library)
    both = struct.pack(">II5I5I", 0xCAFEBABE, 2, *(7, 0, 48, len(one), 0), *(12, 0, 48 + len(one), len(one), 0))
    assert {"universal-program", "program"} <= set(told(examine(both + one + one, "a")))


def test_programs_that_are_cut_off_or_flipped_end(inspection: Callable[..., Inspection]) -> None:
    whole = [
        sign(program((b".text", CODE, b"\xc3" * 600))),
        elf(True, "<"),
        mach("<", struct.pack("<4I", 0x1D, 16, 0, 0)),
    ]
    from sample_analysis.engines.programs import elf as elf_engine
    from sample_analysis.engines.programs import macho

    for data, inspect in zip(whole, (pe.inspect, elf_engine.inspect, macho.inspect), strict=True):
        step = max(1, len(data) // 60)
        for end in range(4, len(data), step):
            for given in (data[:end], data[:end] + bytes([data[end] ^ 0xFF]) + data[end + 1 :]):
                looked = inspection(given)
                run(looked, inspect)
                assert looked.node.own in ("unknown", "suspicious")


def test_the_oddest_programs_of_the_corpora_end_with_right_hashes(corpora: Path, examine: Examine) -> None:
    files = sorted((corpora / "pe-corkami").iterdir())
    assert len(files) == 12
    for path in files:
        data = path.read_bytes()
        first, second = examine(data, path.name), examine(data, path.name)
        assert first.root.sha256 == hashlib.sha256(data).hexdigest()
        assert first.root.md5 == hashlib.md5(data).hexdigest()
        assert first.plain == second.plain
        assert "program" in told(first)
        assert first.root.verdict == "unknown"
        assert not first.limits()
    imports = {path.name: told(examine(path.read_bytes(), path.name)) for path in files}
    assert [name for name, rules in imports.items() if "imports" not in rules] == ["tinydllXP.dll"]
    assert sorted(name for name, rules in imports.items() if "runs-before-start" in rules) == [
        "tls.exe",
        "tls_onthefly.exe",
    ]


def test_the_programs_of_the_corpora_for_linux_are_read(corpora: Path, examine: Examine) -> None:
    for name in ("elf.elf", "elf64.elf"):
        assert set(told(examine((corpora / "archive-mitra/elf" / name).read_bytes(), name))) == {"program"}
