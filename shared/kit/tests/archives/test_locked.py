"""Encrypted 7z and RAR: opened by their password, and by nothing else."""

import hashlib
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from caseway_kit.archives import (
    Budget,
    Content,
    LimitReached,
    Limits,
    Member,
    PasswordNeeded,
    Spool,
    Unreadable,
    open_archive,
)
from caseway_kit.archives.locked import NotOpened, locked_archive
from caseway_kit.archives.locked.sevenzip_streams import Coder, Folder, first_checksum

Unpack = Callable[..., dict[str, bytes]]
ROUNDS = 6
IV = bytes(range(16))


def number(value: int) -> bytes:
    return b"\xff" + struct.pack("<Q", value)


def seven_zip_key(password: str, rounds: int, salt: bytes) -> bytes:
    digest = hashlib.sha256()
    for place in range(1 << rounds):
        digest.update(salt + password.encode("utf-16-le") + struct.pack("<Q", place))
    return digest.digest()


def encrypted_7z(data: bytes, password: str, *, rounds: int = ROUNDS, salt: bytes = b"salt") -> bytes:
    """One stored file; the cipher is all that its folder consists of."""
    cipher = Cipher(AES(seven_zip_key(password, min(rounds, 16), salt)), CBC(IV)).encryptor()
    packed = cipher.update(data + bytes(-len(data) % 16))
    props = bytes([0xC0 | rounds if salt else 0x40 | rounds, max(len(salt) - 1, 0) << 4 | 15]) + salt + IV
    name = "a.txt".encode("utf-16-le") + b"\x00\x00"
    folder = b"\x01\x24\x06\xf1\x07\x01" + bytes([len(props)]) + props
    streams = b"\x06\x00\x01\x09" + number(len(packed)) + b"\x00\x07\x0b\x01\x00" + folder
    streams += b"\x0c" + number(len(data)) + b"\x0a\x01" + struct.pack("<I", zlib.crc32(data)) + b"\x00\x08\x00\x00"
    header = b"\x01\x04" + streams + b"\x05\x01\x11" + number(len(name) + 1) + b"\x00" + name + b"\x00\x00"
    start = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start + packed + header


@pytest.mark.parametrize("password", ["infected", "geheim", "pässwörd", "密码", "\U0001f600", "x" * 500])
def test_7z_opens_with_its_password(unpack: Unpack, password: str) -> None:
    packed = encrypted_7z(b"content of a", password)
    assert unpack(packed, passwords=("wrong", password)) == {"a.txt": b"content of a"}


@pytest.mark.parametrize("salt", [b"", b"s", b"sixteen bytes !!"])
def test_7z_opens_whatever_its_salt_is(unpack: Unpack, salt: bytes) -> None:
    packed = encrypted_7z(b"content of a" * 99, "geheim", salt=salt, rounds=10)
    assert unpack(packed, passwords=("geheim",)) == {"a.txt": b"content of a" * 99}


@pytest.mark.parametrize("given", [(), ("wrong",), ("",), ("x" * 10_000,), ("nul\x00byte",), ("\ud800",)])
def test_wrong_password_is_told_as_such(unpack: Unpack, given: tuple[str, ...]) -> None:
    with pytest.raises(PasswordNeeded) as needed:
        unpack(encrypted_7z(b"content of a", "geheim"), passwords=given)
    assert needed.value.supported
    assert 3 <= needed.value.tried <= 50


def test_key_that_would_take_too_long_is_not_made(unpack: Unpack) -> None:
    with pytest.raises(PasswordNeeded):
        unpack(encrypted_7z(b"content of a", "geheim", rounds=40), passwords=("geheim",))


def read_all(path: Path, *passwords: str) -> dict[str, bytes | None]:
    sample = Content.of_path(path)
    with open_archive(sample, budget=Budget(piece_bytes=sample.size), passwords=passwords) as archive:
        return {member.path: taken(member) for member in archive.members() if member.kind == "file"}


def taken(member: Member) -> bytes | None:
    try:
        return b"".join(member.chunks())
    except PasswordNeeded:
        return None


@pytest.mark.parametrize(
    ("name", "password", "members"),
    [
        ("archive-rarfile/rar5-hpsw.rar", "password", 2),
        ("archive-rarfile/rar5-psw-blake.rar", "password", 2),
        ("archive-libarchive/encrypted/read_format_rar4_encrypted_filenames.rar", "password", 4),
        ("archive-libarchive/encrypted/read_format_rar5_encrypted_filenames.rar", "password", 4),
        ("archive-libarchive/encrypted/read_format_rar5_solid_encrypted_filenames.rar", "password", 4),
        ("archive-libarchive/encrypted/read_format_rar_encryption_partially.rar", "12345678", 2),
        ("archive-libarchive/encrypted/read_format_7zip_encryption.7z", "12345678", 1),
        ("files-strelka/test_password_mixed_encrypted_headers.rar", "password", 3),
        ("files-strelka/test_password_brute.7z", "aaa", 4),
    ],
)
def test_encrypted_archives_of_the_corpora_open(corpora: Path, name: str, password: str, members: int) -> None:
    contents = read_all(corpora / name, password)
    assert len(contents) == members
    assert all(contents.values())
    try:
        assert None in read_all(corpora / name, "wrong").values()
    except PasswordNeeded:
        return


def test_files_of_one_rar_may_have_passwords_of_their_own(corpora: Path) -> None:
    contents = read_all(corpora / "files-strelka" / "test_mixed.rar", "password")
    assert [name for name, data in contents.items() if data is None] == ["hidden/lorem-readonly.txt"]
    assert len(contents) == 4


def test_damaged_encrypted_archives_end_in_an_error_that_is_known(corpora: Path) -> None:
    names = ["archive-rarfile/rar5-hpsw.rar", "archive-libarchive/encrypted/read_format_7zip_encryption.7z"]
    names += ["archive-libarchive/encrypted/read_format_rar4_encrypted_filenames.rar", "files-strelka/test_mixed.rar"]
    for data in [*((corpora / name).read_bytes() for name in names), encrypted_7z(b"content of a", "password")]:
        for place in range(8, len(data), max(1, len(data) // 30)):
            for damaged in (data[:place], data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]):
                sample = Content.of_bytes(damaged)
                try:
                    with open_archive(
                        sample, budget=Budget(piece_bytes=sample.size), passwords=("password",)
                    ) as archive:
                        for member in archive.members():
                            if member.kind == "file":
                                taken(member)
                except (PasswordNeeded, Unreadable):
                    continue


def rar3_block(kind: int, flags: int, rest: bytes) -> bytes:
    block = struct.pack("<BHH", kind, flags, 7 + len(rest)) + rest
    return struct.pack("<H", zlib.crc32(block) & 0xFFFF) + block


@pytest.mark.parametrize("length", [4, 10, 20, 24])
def test_rar_with_a_short_header_opens_with_no_password(length: int) -> None:
    data = b"Rar!\x1a\x07\x00" + rar3_block(0x73, 0, bytes(6)) + rar3_block(0x74, 0x8404, bytes(length))
    with pytest.raises(NotOpened):
        opening(data)


def opening(data: bytes, budget: Budget | None = None) -> None:
    locked = locked_archive(Content.of_bytes(data), budget or Budget())
    assert locked is not None
    locked.opened("password".encode(locked.encoding))


def test_7z_that_states_endless_checksums_takes_no_memory() -> None:
    folders = [Folder([Coder(b"\x00", None)], [], [0]) for _ in range(20)]
    tracemalloc.start()
    try:
        with pytest.raises(NotOpened):
            first_checksum(folders, b"\x08\x0d" + number(1_000_000) * 20 + b"\x0a\x01")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 16 * 1024 * 1024


class ShortBudget(Budget):
    """Over when it was asked three times."""

    asked = 0

    def check_time(self) -> None:
        self.asked += 1
        if self.asked == 3:
            raise LimitReached("time", "Over.")


@pytest.mark.parametrize("kind", ["rar5", "rar4"])
def test_time_ends_while_keys_are_made(corpora: Path, kind: str) -> None:
    budget = ShortBudget()
    name = f"read_format_{kind}_encrypted_filenames.rar"
    data = (corpora / "archive-libarchive" / "encrypted" / name).read_bytes()
    with pytest.raises(LimitReached, match="Over"):
        opening(data, budget)
    assert budget.asked == 3


def test_header_that_breaks_a_reader_is_no_password(unpack: Unpack, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = encrypted_7z(b"content of a", "geheim")

    def broken(*_: object) -> None:
        raise struct.error("unpack requires more bytes")

    monkeypatch.setattr("caseway_kit.archives.locked.sevenzip.LockedSevenZip.opened", broken)
    with pytest.raises(PasswordNeeded):
        unpack(packed, passwords=("geheim",))


def test_scratch_space_that_is_full_is_no_wrong_password(unpack: Unpack, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "write", full)
    with pytest.raises(LimitReached) as reached:
        unpack(encrypted_7z(b"content of a", "geheim"), passwords=("geheim",))
    assert reached.value.limit == "scratch-space"


def test_passwords_that_time_leaves_out_are_told(unpack: Unpack) -> None:
    with pytest.raises(PasswordNeeded) as needed:
        unpack(encrypted_7z(b"content of a", "geheim"), limits=Limits(password_seconds=-1))
    assert (needed.value.tried, needed.value.out_of_time) == (0, True)
    with pytest.raises(PasswordNeeded) as needed:
        unpack(encrypted_7z(b"content of a", "geheim"))
    assert not needed.value.out_of_time
