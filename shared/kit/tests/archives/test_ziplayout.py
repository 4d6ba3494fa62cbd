import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from zip_forge import Forged, central_part, end_part, forge, local_part

from caseway_kit.archives import Content, protected_zip
from caseway_kit.archives.zipentries import Header
from caseway_kit.archives.ziplayout import read_layout

MakeZip = Callable[[dict[str, bytes]], bytes]


def test_ordinary_zips_are_not_ambiguous(make_zip: MakeZip, corpora: Path) -> None:
    ordinary = [make_zip({"a": b"x", "b": b"y" * 99}), make_zip({}), protected_zip({"a": b"x"}, "infected")]
    ordinary += [path.read_bytes() for path in (corpora / "zip-malo" / "accept").iterdir()]
    assert [read_layout(Content.of_bytes(data), 100).oddities for data in ordinary] == [()] * len(ordinary)


def test_name_in_the_directory_that_differs_is_seen(make_zip: MakeZip) -> None:
    packed = make_zip({"harmless.txt": b"x"})
    at = packed.rindex(b"harmless.txt")
    assert read_layout(Content.of_bytes(packed[:at] + b"evilfile.exe" + packed[at + 12 :]), 100).oddities == (
        "names-differ",
    )


@pytest.mark.parametrize(
    ("damage", "oddity"),
    [
        (lambda packed: packed + b"more", "data-after-the-end"),
        (lambda packed: b"more" + packed, "data-before-the-start"),
        (lambda packed: packed + packed, "two-directories"),
        (lambda packed: packed[:-22], "no-directory"),
    ],
)
def test_bytes_that_the_directory_does_not_speak_of_are_seen(
    make_zip: MakeZip, damage: Callable[[bytes], bytes], oddity: str
) -> None:
    assert oddity in read_layout(Content.of_bytes(damage(make_zip({"a": b"x" * 50}))), 100).oddities


def test_members_that_share_their_bytes_are_overlapping(make_zip: MakeZip) -> None:
    packed = make_zip({"a": b"x" * 50, "b": b"x" * 50})
    assert not read_layout(Content.of_bytes(packed), 100).overlapping
    inner = Forged(b"b", b"content of b")
    around = Forged(b"a", local_part(inner) + b"more")
    overlapping = local_part(around) + central_part(around, 0) + central_part(inner, 31)
    overlapping += end_part(2, 2 * 47, len(local_part(around)))
    assert read_layout(Content.of_bytes(overlapping), 100).overlapping
    many = [Forged(f"{number}".encode(), b"x", central={"at": 0}) for number in range(5)]
    assert read_layout(Content.of_bytes(forge(many)), 100).overlapping


def header(plain: bytes, unicode: bytes) -> Header:
    field = b"\x01" + struct.pack("<I", zlib.crc32(plain)) + unicode
    return Header(plain, 0, 0, 0, 0, 0, struct.pack("<HH", 0x7075, len(field)) + field)


@pytest.mark.parametrize(
    ("plain", "unicode", "same"),
    [
        (b"M\x81ller.txt", "Müller.txt".encode(), True),
        (b"M#U00fcller.txt", "Müller.txt".encode(), True),
        (b"M__ller", "Müller".encode(), True),
        (b"--a-b--", "äaäbä".encode(), True),
        (b"\xfc", "ü".encode(), True),
        (b"Mueller.txt", "Müller.txt".encode(), False),
        (b"Mller.txt", "Müller.txt".encode(), False),
        (b"a.exe", b"a.txt", False),
        (b"-.exe", "ä.txt".encode(), False),
        (b"-" * 300, "ä".encode(), False),
        # With a regular expression these take time without end.
        (b"-" * 1000 + b"A", b"\xc3-" * 300 + b"B", False),
        (b"#U0000" * 10_000 + b"A", b"\xc3#" * 300 + b"B", False),
    ],
)
def test_name_in_unicode_is_compared_with_what_a_code_page_made_of_it(plain: bytes, unicode: bytes, same: bool) -> None:
    assert header(plain, unicode).misnamed is not same


def test_name_of_endless_folders_is_an_oddity_and_takes_no_memory() -> None:
    packed = forge([Forged(b"a/" * 32_767 + b"b", b"x")])
    tracemalloc.start()
    try:
        oddities = read_layout(Content.of_bytes(packed), 100).oddities
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert oddities == ("too-many-folders",)
    assert most < 64 * 1024 * 1024
