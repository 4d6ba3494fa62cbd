"""Archives of the corpora: what comes out of each, what is left out with which reason, and nothing anywhere else."""

import io
import os
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from folder_watch import FolderWatch

from caseway_kit.archives import protected_zip
from caseway_kit.sandbox import Sandbox

Examine = Callable[..., Any]
MakeZip = Callable[[dict[str, bytes]], bytes]

TRAVERSING = (
    "../../etc/cron.d/x",
    "..\\..\\windows\\x.exe",
    "/etc/passwd",
    "C:\\windows\\x.exe",
    "c:x.exe",
    "\\\\server\\share\\x.exe",
    "//server/share/x",
    "a/../../../x",
    "./../x",
    "a/./../../b/x",
    "CON",
    "aux.txt",
    "x.txt:stream",
    "~/.ssh/authorized_keys",
    "~root/x",
    "a\x00b",
    "a\nb",
    "\u2024\u2024/x",
    "%2e%2e%2fx",
    "..%c0%afx",
)
# What the library cannot read, and what is no whole archive: parts of volumes, and files that are made to be wrong.
UNREADABLE = {
    "read_format_7zip_archive_properties.7z",
    "read_format_lha_filename_cp932.lzh",
    "read_format_lha_filename_utf16.lzh",
    "read_format_lha_symlink_missing_target.lzh",
    "read_format_rar5_decode_number_out_of_bounds_read.rar",
    "read_format_rar5_different_solid_window_size.rar",
    "read_format_rar5_different_winsize_on_merge.rar",
    "read_format_rar5_nonempty_dir_stream.rar",
    "read_format_xar_doublelink.xar",
    "read_format_zip.zip",
    "read_format_zip_symlink_unsupported_compression.zip",
}
NO_FILES = {
    "read_format_tar_empty_filename.tar",
    "read_format_tar_empty_with_gnulabel.tar",
    "read_format_zip_jar.jar",
}
VOLUMES = ("multivolume", "splitted_rar", "cab_multi", "afio_header")


def test_whole_archives_of_every_format_are_taken_apart(examine: Examine, corpora: Path) -> None:
    whole = [
        path
        for path in sorted((corpora / "archive-libarchive" / "valid").iterdir())
        if not any(word in path.name for word in VOLUMES)
    ]
    incomplete, empty = set(), set()
    for path in whole:
        report = examine(path.read_bytes(), path.name)
        if report.limits() - {"link", "page-bytes"}:
            incomplete.add(path.name)
        elif len(report.parsed.files) == 1:
            empty.add(path.name)
    assert (incomplete, empty) == (UNREADABLE, NO_FILES)
    assert len(whole) >= 98


def test_members_that_a_peer_lists_are_listed(examine: Examine, corpora: Path) -> None:
    """The listings of rarfile, for every archive of it that is neither encrypted nor one of several volumes."""
    agree, of = 0, 0
    for listing in sorted((corpora / "archive-rarfile").glob("*.exp")):
        path = listing.with_suffix("")
        if "psw" in path.name or ".part" in path.name:
            continue
        of += 1
        names = [line.split("name=")[1].split()[0] for line in listing.read_text().splitlines() if "name=" in line]
        seen = examine(path.read_bytes(), path.name).names()
        agree += all(name.rstrip("/") in seen or name.endswith("/") for name in names)
    assert of >= 15
    assert agree >= of - 5  # the library reads no solid RAR of version 3, and none of version 2


def test_damaged_and_hostile_archives_end_in_a_result(examine: Examine, corpora: Path) -> None:
    results = [examine(path.read_bytes(), path.name) for path in (corpora / "archive-libarchive/malformed").iterdir()]
    assert len(results) == 26
    assert sum(bool(report.limits()) for report in results) >= 15


def test_encrypted_archives_open_with_the_usual_words_or_say_that_they_do_not(examine: Examine, corpora: Path) -> None:
    paths = [*(corpora / "archive-libarchive/encrypted").iterdir(), *(corpora / "archive-rarfile").glob("*psw*.rar")]
    results = {path.name: examine(path.read_bytes(), path.name) for path in paths}
    assert {name for name, report in results.items() if "password" in report.limits()} == {
        "read_format_7zip_encryption.7z",  # opens with what a customer would have to say
        "read_format_rar_encryption_partially.rar",
        "read_format_rar5_encrypted.rar",  # one of its files has another password
        "read_format_zip_encryption_data.zip",
        "read_format_zip_ppmd8_aes256_streaming.zipx",
    }
    # What cannot be unpacked once it is opened: solid RAR of version 3, and RAR of version 2.
    unsupported = {name for name, report in results.items() if report.limits() & {"unsupported", "damaged"}}
    assert unsupported == {
        "rar202-comment-nopsw.rar",
        "rar202-comment-psw.rar",
        "read_format_rar4_solid_encrypted.rar",
    }


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What no archive may touch, above the folder that a relative name would lead to."""
    home = tmp_path / "outside" / "home" / "a" / "b"
    home.mkdir(parents=True)
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    (tmp_path / "outside" / "secret").write_text("secret")
    return tmp_path / "outside"


@pytest.fixture
def examine_watched(examine: Examine, outside: Path) -> Examine:
    """Without the walls of the sandbox, which would hide what the engines do."""

    def examine_watched(data: bytes, name: str) -> Any:
        shared = {Path("/"), Path("/etc"), Path(tempfile.gettempdir()), outside.parent}
        with FolderWatch(ours=[outside], shared=shared) as watch:
            report = examine(data, name)
            names = {part for file in report.names()[1:] for part in re.split(r"[/\\]", file)}
            assert not [path for path in watch.seen() if path.is_relative_to(outside) or path.name in names]
            (outside / "secret").read_text()
            assert outside / "secret" in watch.seen(), "the watch is asleep"
        return report

    return examine_watched


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_no_name_of_a_member_becomes_a_place(examine_watched: Examine, outside: Path, eicar: bytes, kind: str) -> None:
    names = (*TRAVERSING, f"{outside}/x", f"../../..{outside}/y", "../../x")
    report = examine_watched(packed_under(names, eicar, kind), f"x.{kind}")
    assert [file.verdict for file in report.parsed.files[1:]] == ["malicious"] * len(names)


def packed_under(names: tuple[str, ...], data: bytes, kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as archive:
            for number, name in enumerate(names):
                info = zipfile.ZipInfo("x")
                info.filename = f"{name}{number}"
                archive.writestr(info, data)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for number, name in enumerate(names):
            member = tarfile.TarInfo(f"{name}{number}".replace("\x00", ""))
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def test_links_and_what_is_written_through_them_are_only_names(
    examine_watched: Examine, outside: Path, eicar: bytes
) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind, target in (
            ("out", tarfile.SYMTYPE, str(outside)),
            ("secret", tarfile.SYMTYPE, str(outside / "secret")),
            ("hard secret", tarfile.LNKTYPE, str(outside / "secret")),
            ("passwd", tarfile.SYMTYPE, "/etc/passwd"),
            ("hard", tarfile.LNKTYPE, "/etc/shadow"),
            ("pipe", tarfile.FIFOTYPE, ""),
            ("disk", tarfile.BLKTYPE, ""),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            tar.addfile(link)
        through = tarfile.TarInfo("out/pwned.com")
        through.size = len(eicar)
        tar.addfile(through, io.BytesIO(eicar))
    report = examine_watched(out.getvalue(), "x.tar")
    for name in ("out", "secret", "hard secret", "passwd", "hard", "pipe", "disk"):
        assert [limit.limit for limit in report.file(name).limits] == ["link"]
        assert report.file(name).sha256 is None
    assert report.file("out/pwned.com").verdict == "malicious"


def test_link_members_of_the_corpora_are_reported(examine_watched: Examine, corpora: Path) -> None:
    archives = [*(corpora / "archive-assemblyline").glob("*.bin"), *(corpora / "archive-rarfile").glob("*.rar")]
    archives += (path for path in (corpora / "archive-libarchive" / "valid").iterdir() if path.stat().st_size < 32_000)
    linked = 0
    for path in archives:
        files = examine_watched(path.read_bytes(), path.name).parsed.files
        linked += any(limit.limit == "link" for file in files for limit in file.limits)
    assert linked >= 20


@pytest.mark.timeout(60)
def test_solid_rar_with_damage_is_not_read_for_ever(examine: Examine, corpora: Path) -> None:
    data = (corpora / "archive-libarchive/valid/read_format_rar5_multiple_files_solid.rar").read_bytes()
    report = examine(data[:74] + b"\x00" + data[75:], "x.rar")
    assert report.limits() == {"damaged"}


def test_archives_cut_off_anywhere_end_in_a_result(examine: Examine, corpora: Path) -> None:
    """Ten formats, each cut at 60 places or more."""
    names = ["7zip_copy_2.7z", "cab_1.cab", "cpio_bin_le.cpio", "lha_header1.lzh", "rar.rar", "rar5_stored.rar"]
    names += ["zip.zip", "zip_zstd.zipx", "tar_pax_timestamps.tar", "iso_zisofs.iso.Z"]
    cut = 0
    for name in names:
        data = (corpora / "archive-libarchive" / "valid" / f"read_format_{name}").read_bytes()
        for end in range(1, len(data), max(1, len(data) // 60)):
            examine(data[:end], name)
            cut += 1
    assert cut >= 600


def test_each_member_may_have_a_password_of_its_own(examine: Examine, corpora: Path) -> None:
    report = examine((corpora / "files-strelka" / "test_mixedcrypto.zip").read_bytes(), "x.zip")
    opened = {file.name for file in report.parsed.files[1:] if file.verdict != "not_analyzed"}
    assert opened == {"test.txt", "test_aes256.txt", "test_zipcrypto.txt"}
    assert report.limits() == {"password"}


def test_passwords_are_in_no_result(examine: Examine) -> None:
    secret = "geheim-4711"
    packed = protected_zip({"a.txt": b"x" * 50, "b.zip": protected_zip({"c.txt": b"x"}, "other")}, secret)
    for given in ((secret,), ("wrong",), (secret, "other"), ("x" * 10_000, "päss", "", secret)):
        assert secret not in str(examine(packed, "x.zip", passwords=given).plain)


def test_large_random_member_is_hashed_whole(examine: Examine, make_zip: MakeZip) -> None:
    content = os.urandom(3 * 1024 * 1024)
    assert examine(make_zip({"a": content}), "x.zip").file("a").size == len(content)


async def test_archives_that_need_more_than_bytes_are_read_in_the_sandbox_too(corpora: Path, open_folder: Path) -> None:
    """Where no library can be loaded any more, and threads (of the BLAKE2 checksum) can be bound to no core."""
    names = {
        "files-strelka/test_password_brute.7z": ["aaa"],
        "archive-rarfile/rar5-blake.rar": [],
        "archive-rarfile/rar5-hpsw.rar": ["password"],
        "archive-libarchive/encrypted/read_format_rar4_encrypted_filenames.rar": ["password"],
    }
    analyze, peek = "sample_analysis.engines.files:analyze", "caseway_kit.peek:peek"
    sample = open_folder / "sample"
    async with Sandbox(workers=1, scratch=open_folder, preload=["sample_analysis.engines.warm"]) as sandbox:
        for name, passwords in names.items():
            sample.write_bytes((corpora / name).read_bytes())
            report = await sandbox.run(analyze, "evidence", name, "file", passwords, {}, sample=sample)
            assert len(report["files"]) >= 3, name
            assert not any(file["limits"] for file in report["files"]), name
            facts = await sandbox.run(peek, name, passwords, sample=sample)
            assert (facts["state"], facts["encrypted"]) == ("open", bool(passwords)), name
