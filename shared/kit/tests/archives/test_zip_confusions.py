"""Zips that different programs read differently: each is seen to be one, and what any of them takes out is read."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from zip_forge import Forged, central_part, end64_part, end_part, forge, local_part, unicode_path

from caseway_kit.archives import Budget, Content, FileType, Member, PasswordNeeded, Unreadable, open_archive
from caseway_kit.archives.ziplayout import read_layout

Case = tuple[str, bytes, set[bytes]]
ONE, TWO = b"the one content", b"the other content"
A, B = Forged(b"a.txt", ONE), Forged(b"b.txt", TWO)
ZIP = FileType("application/zip", "archive", members=True, zip=True)
DEFLATED = Forged(b"a.txt", ONE * 9, method=8)


def redundant_fields() -> Iterator[Case]:
    """The types that the published study calls A1 to A5."""
    packed = DEFLATED.packed
    stored = {"method": 0, "packed": len(packed), "unpacked": len(packed)}
    yield "A1 method in the local header", forge([Forged(b"a", ONE * 9, 8, local=stored)]), {ONE * 9, packed}
    yield "A1 method in the directory", forge([Forged(b"a", ONE * 9, 8, central=stored)]), {ONE * 9, packed}
    short = {"packed": 4, "unpacked": 4}
    yield "A2 sizes in the local header", forge([Forged(b"a", ONE, local=short)]), {ONE, ONE[:4]}
    yield "A2 sizes in the directory", forge([Forged(b"a", ONE, central=short)]), {ONE, ONE[:4]}
    yield "A2 sizes behind the data", forge([_streamed(unpacked=3)]), {ONE}
    yield "A3 names", forge([Forged(b"l.txt", ONE, central={"name": b"c.exe"})]), {b"l.txt", b"c.exe"}
    here, there = ({"extra": unicode_path(b"o", name)} for name in (b"l.txt", b"c.exe"))
    yield "A3 Unicode names", forge([Forged(b"o", ONE, local=here, central=there)]), {b"o", b"l.txt", b"c.exe"}
    for what, extra in {
        "version": unicode_path(b"o", b"u.exe", version=2),
        "checksum": unicode_path(b"o", b"u.exe", crc=0),
        "second": unicode_path(b"o", b"u.txt") + unicode_path(b"o", b"u.exe"),
        "only": unicode_path(b"o", b"u.exe"),
    }.items():
        both = {"extra": extra}
        yield f"A3 Unicode {what}", forge([Forged(b"o", ONE, local=both, central=both)]), {b"o", b"u.exe"}
    yield "A4 folder by its name", forge([Forged(b"a/", ONE)]), {ONE}
    yield "A4 folder by a backslash", forge([Forged(b"a\\", ONE)]), {ONE}
    yield "A4 folder by its attributes", forge([Forged(b"a", ONE, attributes=0x10)]), {ONE}
    unix = {"made_by": 3 << 8}
    yield "A4 folder by its mode", forge([Forged(b"a", ONE, central=unix, attributes=0x4000 << 16)]), {ONE}
    yield "A5 encrypted in the local header", forge([Forged(b"a", ONE, local={"flags": 1})]), {ONE}
    yield "A5 encrypted in the directory", forge([Forged(b"a", ONE, central={"flags": 1})]), {ONE}


def names_that_fall_together() -> Iterator[Case]:
    """B1 to B4."""
    yield "B1 the same name", forge([Forged(b"a", ONE), Forged(b"a", TWO)]), {ONE, TWO}
    yield "B2 file and folder", forge([Forged(b"a", ONE), Forged(b"a/b", TWO)]), {ONE, TWO}
    for path in (b"/a/b", b"a//b", b"a\\b", b"./a/b", b"a/./b", b"a/b/.", b"../a/b", b"c/../a/b"):
        yield f"B3 {path!r}", forge([Forged(b"a/b", ONE), Forged(path, TWO)]), {ONE, TWO}
        yield f"B3 {path!r} first", forge([Forged(path, ONE), Forged(b"a/b", TWO)]), {ONE, TWO}
    yield "B4 case", forge([Forged(b"t.txt", ONE), Forged(b"t.TXT", TWO)]), {ONE, TWO}


def positions() -> Iterator[Case]:
    """C1 to C5."""
    hidden = local_part(A)
    yield "C1 a member before all others", hidden + forge([B], base=len(hidden)), {ONE, TWO}
    first, second = forge([A], comment=b"\x00"), forge([B])
    shown = forge([B], base=len(first))
    yield "C2 two ends", first + shown, {ONE, TWO}
    yield "C2 end in the comment", forge([A], comment=forge([B], base=len(forge([A])))), {ONE, TWO}
    yield "C2 comment too long", forge([A], end={"comment": 7}), {ONE}
    yield "C2 comment too short", forge([A], comment=b"comment", end={"comment": 3}), {ONE}
    both = (Forged(b"a", ONE), Forged(b"b", TWO))
    size = len(central_part(both[0], 0))
    for end in ({"here": 1}, {"count": 1}, {"here": 1, "count": 1}, {"size": size}, {"count": 1, "size": size}):
        yield f"C3 {end}", forge(both, end=end), {ONE, TWO}
    yield "C4 offset", second + forge([A]), {ONE, TWO}
    yield "C5 only the second end counts", _disagreeing_ends(), {ONE, TWO}
    directory = central_part(A, 0)
    at = len(local_part(A))
    sector = struct.pack("<HI", 0x1337, 4) + b"more"
    wide = end64_part(1, len(directory), at, at + len(directory), sector)
    yield "C5 more in the second end", local_part(A) + directory + wide + end_part(1, len(directory), at), {ONE}
    wide = end64_part(1, len(directory), at, at + len(directory), here=0)
    yield "C5 counts of the second end", local_part(A) + directory + wide + end_part(1, len(directory), at), {ONE}


def edges() -> Iterator[Case]:
    one = forge([A])
    yield "bytes before", b"GIF89a" + bytes(200) + one, {ONE}
    yield "bytes after", one + b"more" * 20, {ONE}
    member = local_part(A)
    gap = member + b"smuggled" * 9 + local_part(B)
    directory = central_part(A, 0) + central_part(B, len(member) + 72)
    yield "bytes between", gap + directory + end_part(2, len(directory), len(gap)), {ONE, TWO}
    yield "not in the directory", _unlisted(), {ONE, TWO}
    yield "no directory", local_part(A) + local_part(B), {ONE, TWO}
    yield "no directory, behind other bytes", b"x" * 99 + local_part(A) + b"y" * 99 + local_part(B), {ONE, TWO}
    odd = {"extra": b"\x99\x99\xff\xffzz"}
    yield "malformed fields", forge([Forged(b"a", ONE, local=odd, central=odd)]), {ONE}


def _streamed(**other: int) -> Forged:
    says = {"crc": 0, "packed": 0, "unpacked": 0, "flags": 8}
    plain = Forged(b"a", ONE)
    behind = {**plain.says({}), **other}
    descriptor = struct.pack("<4sIII", b"PK\x07\x08", behind["crc"], behind["packed"], behind["unpacked"])
    return Forged(b"a", ONE, local=says, central={"flags": 8}, descriptor=descriptor)


def _disagreeing_ends() -> bytes:
    """The small end record speaks of one directory and the large one of another."""
    members = local_part(A) + local_part(B)
    first, second = central_part(A, 0), central_part(B, len(local_part(A)))
    at = len(members)
    wide = end64_part(1, len(first), at, at + len(first) + len(second))
    return members + first + second + wide + end_part(1, len(second), at + len(first))


def _unlisted() -> bytes:
    members = local_part(A) + local_part(B)
    directory = central_part(A, 0)
    return members + directory + end_part(1, len(directory), len(members))


CASES = [*redundant_fields(), *names_that_fall_together(), *positions(), *edges()]


def whatever_comes_out(member: Member) -> bytes:
    out = b""
    try:
        for chunk in member.chunks():
            out += chunk
    except (Unreadable, PasswordNeeded):
        pass
    return out


def read_all(data: bytes) -> tuple[tuple[str, ...], set[bytes]]:
    """Why it is ambiguous; contents and names of all that is read."""
    seen: set[bytes] = set()
    archive = None
    try:
        sample = Content.of_bytes(data)
        with open_archive(sample, budget=Budget(piece_bytes=len(data)), found=ZIP) as archive:
            for member in archive.members():
                seen.add(member.path.encode())
                seen.add(whatever_comes_out(member))
    except Unreadable:
        pass
    return archive.ambiguous if archive else (), seen


@pytest.mark.parametrize(("data", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_every_reading_of_a_confusing_zip_is_read(data: bytes, expected: set[bytes]) -> None:
    ambiguous, seen = read_all(data)
    assert ambiguous
    assert expected <= seen


def test_confusing_zips_of_the_corpus_are_flagged(corpora: Path) -> None:
    rejects = sorted((corpora / "zip-malo" / "reject").iterdir())
    silent = [path.name for path in rejects if not read_layout(Content.of_path(path), 100).oddities]
    assert (silent, len(rejects)) == ([], 21)


def test_ordinary_zips_of_the_corpora_are_not_flagged(corpora: Path) -> None:
    """All but those that were made to be odd."""
    odd = {
        "read_format_zip.zip",  # a size behind the data that is wrong
        "compat_zip_2.zip",  # junk between members
        "read_format_zip_7075_utf8_paths.zip",  # other names in the directory
        "unicode.zip",  # an unlike second name
        "read_format_zip_ppmd8_aes256_streaming.zipx",
        "read_format_zip_ppmd8_crash_2.zipx",
        "read_format_zip_with_invalid_traditional_eocd.zip",
        "read_format_zip_lzma_alone_leak.zipx",
    }
    folders = (
        "zip-malo/accept",
        "archive-libarchive",
        "archive-mitra",
        "filetype-magika",
        "files-strelka",
        "office-poi",
    )
    paths = [path for folder in folders for path in sorted((corpora / folder).rglob("*")) if path.is_file()]
    samples = {path.name: Content.of_path(path) for path in paths if "clusterfuzz" not in path.name}
    zips = {name: sample for name, sample in samples.items() if sample.head(2) == b"PK"}
    assert {name for name, sample in zips.items() if read_layout(sample, 1000).oddities} == odd
    assert len(zips) > 60


@pytest.mark.parametrize("wide", [False, True])
def test_zip_of_either_size_is_not_flagged(wide: bool) -> None:
    assert read_layout(Content.of_bytes(forge([A, B], wide=wide)), 100).oddities == ()


def test_small_zip_stored_in_another_is_not_a_second_directory(make_zip: Callable[[dict[str, bytes]], bytes]) -> None:
    inner = Forged(b"inner.zip", make_zip({"a": b"x"}))
    assert read_layout(Content.of_bytes(forge([inner, B])), 100).oddities == ()


def test_android_signature_between_members_and_directory_is_no_oddity() -> None:
    block = b"\x20" + bytes(7) + bytes(8) + b"APK Sig Block 42"
    directory = central_part(A, 0)
    body = local_part(A) + block
    packed = body + directory + end_part(1, len(directory), len(body))
    assert read_layout(Content.of_bytes(packed), 100).oddities == ()
