import bz2
import gzip
import lzma
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from caseway_kit.archives import (
    Budget,
    Content,
    LimitReached,
    Limits,
    NotAnArchive,
    PasswordNeeded,
    Spool,
    Unreadable,
    ZipOfOne,
    content,
    library,
    open_archive,
    open_members,
    protected_zip,
)
from caseway_kit.archives.passwords import smallest_encrypted
from caseway_kit.archives.reader import Entry, Reader
from caseway_kit.archives.writing import Encryption

Unpack = Callable[..., dict[str, bytes]]
MakeZip = Callable[[dict[str, bytes]], bytes]
MIB = 1024 * 1024


@pytest.mark.parametrize("encryption", ["zipcrypt", "aes128", "aes256"])
@pytest.mark.parametrize("password", ["infected", "virus", "novirus"])
def test_standard_passwords_open_without_being_named(unpack: Unpack, encryption: Encryption, password: str) -> None:
    packed = protected_zip({"a.txt": b"one", "b/ü.txt": b"two" * 1000}, password, encryption=encryption)
    assert unpack(packed) == {"a.txt": b"one", "b/ü.txt": b"two" * 1000}


@pytest.mark.parametrize("encryption", ["zipcrypt", "aes256"])
@pytest.mark.parametrize("password", ["geheim", "pässwörd-密码", "x" * 10_000])
def test_customers_own_password_opens(unpack: Unpack, encryption: Encryption, password: str) -> None:
    packed = protected_zip({"a.txt": b"content of a"}, password, encryption=encryption)
    assert unpack(packed, passwords=(password,)) == {"a.txt": b"content of a"}


@pytest.mark.parametrize("encoding", ["cp1252", "cp437"])
def test_password_typed_in_an_old_code_page_opens(unpack: Unpack, encoding: str) -> None:
    packed = protected_zip({"a.txt": b"content of a"}, "pässwörd".encode(encoding), encryption="zipcrypt")
    assert unpack(packed, passwords=("pässwörd",)) == {"a.txt": b"content of a"}


@pytest.mark.parametrize("encryption", ["zipcrypt", "aes256"])
@pytest.mark.parametrize("given", [(), ("wrong",), ("",), ("nul\x00byte",), ("💥" * 10_000,)])
def test_wrong_password_is_told_as_such(unpack: Unpack, encryption: Encryption, given: tuple[str, ...]) -> None:
    packed = protected_zip({"a.txt": b"content of a"}, "geheim", encryption=encryption)
    with pytest.raises(PasswordNeeded) as needed:
        unpack(packed, passwords=given)
    assert 3 <= needed.value.tried <= 50


def test_no_more_passwords_are_tried_than_the_limit(unpack: Unpack) -> None:
    packed = protected_zip({"a.txt": b"content of a"}, "geheim")
    with pytest.raises(PasswordNeeded) as needed:
        unpack(packed, passwords=tuple(f"wrong {number}" for number in range(500)))
    assert needed.value.tried == 50


@pytest.mark.timeout(60)
def test_a_damaged_member_of_a_solid_rar_that_is_no_file_is_not_passed_over_for_ever(corpora: Path) -> None:
    packed = bytearray((corpora / "archive-libarchive/valid/read_format_rar5_multiple_files_solid.rar").read_bytes())
    packed[38], packed[74] = 165, 0
    packed[24:28] = zlib.crc32(packed[28 : 29 + packed[28]]).to_bytes(4, "little")
    kinds = []
    with Content.of_bytes(bytes(packed)) as opened, Reader(opened, library.FORMATS) as reader, suppress(Unreadable):
        for entry in reader.entries():
            kinds.append(entry.kind)
    assert kinds == ["other"]


def test_a_wrong_checksum_in_a_solid_rar_hides_nothing_behind_it(corpora: Path) -> None:
    packed = bytearray((corpora / "archive-libarchive/valid/read_format_rar5_multiple_files_solid.rar").read_bytes())
    first, size = 24, packed[28]
    packed[40] ^= 0xFF  # of what its first file unpacks to
    packed[first : first + 4] = zlib.crc32(packed[first + 4 : first + 5 + size]).to_bytes(4, "little")
    with Content.of_bytes(bytes(packed)) as opened, Reader(opened, library.FORMATS) as reader:
        seen = 0
        for _ in reader.entries():
            seen += 1
            with suppress(Unreadable):
                while reader.read():
                    pass
    assert seen == 4


def test_nothing_is_written_into_a_zip_that_was_closed_meanwhile() -> None:
    packing = ZipOfOne("a.bin", 4, "infected")
    packing.close()
    with pytest.raises(ValueError, match="closed"):
        packing.write(b"data")


def test_the_one_byte_check_of_zipcrypto_is_not_believed() -> None:
    """Among 1,500 wrong passwords about six pass that check."""
    packed = protected_zip({"a.bin": os.urandom(500)}, "geheim", encryption="zipcrypt")
    for lot in range(30):
        wrong = tuple(f"{lot}-{number}" for number in range(47))
        with (
            pytest.raises(PasswordNeeded),
            open_archive(Content.of_bytes(packed), budget=Budget(piece_bytes=len(packed)), passwords=wrong),
        ):
            pass


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_behind_any_filter_is_unpacked(unpack: Unpack, make_tar: Callable[..., bytes], mode: str) -> None:
    assert unpack(make_tar({"d/a.txt": b"content"}, mode)) == {"d/a.txt": b"content"}


@pytest.mark.parametrize(
    ("compress", "name"),
    [(gzip.compress, "scan.log.gz"), (bz2.compress, "scan.log.bz2"), (lzma.compress, "scan.log.xz")],
)
def test_single_compressed_stream_holds_one_member(
    unpack: Unpack, compress: Callable[[bytes], bytes], name: str
) -> None:
    assert unpack(compress(b"content" * 100), name=name) == {"scan.log": b"content" * 100}


def test_names_are_only_names(
    unpack: Unpack, make_zip: MakeZip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "C:\\x.txt", "\\\\server\\share\\x"]
    # The library tells a zip's backslashes as slashes.
    assert {name.replace("\\", "/") for name in names} == set(unpack(make_zip(dict.fromkeys(names, b"x"))))
    assert list(tmp_path.iterdir()) == []


def test_links_are_reported_and_not_followed(corpora: Path) -> None:
    sample = Content.of_path(corpora / "archive-rarfile" / "rar5-evil-symlink-traversal.rar")
    kinds = [member.kind for member in open_members(sample, budget=Budget(piece_bytes=sample.size))]
    assert "link" in kinds


@pytest.mark.parametrize("data", [b"", b"plain text", b"\x00" * 5000, b"%PDF-1.7 a document"])
def test_other_bytes_are_not_an_archive(unpack: Unpack, data: bytes) -> None:
    with pytest.raises(NotAnArchive):
        unpack(data)


def test_empty_zip_has_no_members(unpack: Unpack, make_zip: MakeZip) -> None:
    assert unpack(make_zip({})) == {}


def test_truncated_archive_ends_in_a_handled_error_or_in_fewer_members(unpack: Unpack, make_zip: MakeZip) -> None:
    packed = make_zip({f"{number}.txt": os.urandom(400) for number in range(5)})
    for end in range(4, len(packed), 64):
        try:
            assert len(unpack(packed[:end])) <= 5
        except (Unreadable, NotAnArchive, PasswordNeeded):
            continue


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_bomb_is_stopped_while_streaming(unpack: Unpack, compress: Callable[[bytes], bytes]) -> None:
    bomb = compress(b"\x00" * (80 * MIB))
    with pytest.raises(LimitReached) as reached:
        unpack(bomb, limits=Limits(ratio_from_bytes=4 * MIB))
    assert reached.value.limit == "ratio"


def test_zip_of_a_gibibyte_of_zeros_costs_neither_time_nor_memory() -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(deflate.compress(b"\x00" * MIB) for _ in range(1024)) + deflate.flush()
    budget = Budget(piece_bytes=len(bomb))
    started = time.process_time()
    chunks = (chunk for member in open_members(Content.of_bytes(bomb), budget=budget) for chunk in member.chunks())
    with pytest.raises(LimitReached):
        sum(len(chunk) for chunk in chunks)
    assert time.process_time() - started < 60
    assert budget.bytes_out < 70 * MIB


def test_total_of_what_is_unpacked_is_limited(unpack: Unpack, make_zip: MakeZip) -> None:
    packed = make_zip({f"{number}.bin": os.urandom(MIB) for number in range(4)})
    with pytest.raises(LimitReached) as reached:
        unpack(packed, limits=Limits(unpacked_bytes=2 * MIB))
    assert reached.value.limit == "unpacked-bytes"


def test_listing_stops_at_its_limit(unpack: Unpack, make_zip: MakeZip) -> None:
    packed = make_zip({f"{number}.txt": b"" for number in range(300)})
    with pytest.raises(LimitReached) as reached:
        unpack(packed, limits=Limits(listed=200))
    assert reached.value.limit == "members"


def test_large_sample_is_read_from_its_file(make_zip: MakeZip, tmp_path: Path) -> None:
    content = os.urandom(9 * MIB)
    path = tmp_path / "large"
    path.write_bytes(make_zip({"large.bin": content}))
    sample = Content.of_path(path)
    assert sample.data is None
    [member] = open_members(sample, budget=Budget(piece_bytes=sample.size))
    assert member.size == len(content)
    sample.close()


def test_member_of_a_closed_archive_cannot_be_read(make_zip: MakeZip) -> None:
    packed = Content.of_bytes(make_zip({"a.txt": b"x"}))
    [member] = open_members(packed, budget=Budget(piece_bytes=packed.size))
    with pytest.raises(ValueError, match="closed"):
        next(member.chunks())


def test_archives_of_the_corpora_open_with_their_passwords(unpack: Unpack, corpora: Path) -> None:
    rows = [line.split("\t") for line in (corpora / "PASSWORDS.tsv").read_text().splitlines()[1:]]
    archives = [(corpora / row[0], row[1]) for row in rows if row[0].endswith((".zip", ".zipx", ".7z"))]
    opened = []
    for path, password in archives:
        try:
            assert all(unpack(path.read_bytes(), passwords=(password,)).values())
            opened.append(path.name)
        except PasswordNeeded:
            continue
    # What has "-" for a password is known by nobody; a member of the mixed one opens with none of the usual words.
    assert opened == [
        "read_format_7zip_encryption.7z",
        "read_format_zip_winzip_aes128.zip",
        "read_format_zip_winzip_aes256.zip",
        "test_password_brute.7z",
    ]


def test_what_is_held_on_disk_together_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "HELD_ON_DISK", 20 * MIB)
    first, second = Spool(), Spool()
    first.write(bytes(12 * MIB))
    with pytest.raises(OSError, match="no room"):
        second.write(bytes(12 * MIB))
    first.finish().close()
    second.discard()
    third = Spool()
    third.write(bytes(12 * MIB))
    third.write(bytes(8 * MIB))
    with pytest.raises(OSError, match="no room"):
        third.write(b"x")
    third.discard()


def test_a_stream_in_a_stream_is_a_member(unpack: Unpack) -> None:
    """So that each has its depth, and counts: the library would take them all off at once."""
    inner = gzip.compress(b"content")
    assert unpack(gzip.compress(inner), name="a.txt.gz.gz") == {"a.txt.gz": inner}
    assert unpack(bz2.compress(inner), name="a.txt.gz.bz2") == {"a.txt.gz": inner}


def test_no_member_is_passed_over_to_look_for_encryption_where_there_is_none(make_tar: Callable[..., bytes]) -> None:
    """Passed over is unpacked: a bomb would cost all that it unpacks to."""
    entries: list[Entry] = []

    class Watched(Reader):
        def entries(self) -> Iterator[Entry]:
            for entry in super().entries():
                entries.append(entry)
                yield entry

    packed = Content.of_bytes(make_tar({"a": b"a", "b": b"b", "c": b"c"}))
    assert smallest_encrypted(lambda _: Watched(packed, library.FORMATS), 100) == (None, True)
    assert len(entries) == 1
