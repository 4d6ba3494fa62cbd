"""What a file is by its content, what else it is, and what its name claims."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caseway_kit.archives import Content, detect

Examine = Callable[..., Any]
MakeZip = Callable[[dict[str, bytes]], bytes]
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + bytes(6) + b"!\xf9\x04" + bytes(300)
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 50_000, 50_000, 8, 2, 0, 0, 0) + bytes(40)
PDF = b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\x00\x00" + bytes(400)

LABELS = {
    "css": "text/css",
    "eml": "message/rfc822",
    "epub": "application/epub+zip",
    "flac": "audio/flac",
    "html": "text/html",
    "ignorefile": "text/x-ignore-file",
    "jinja": "text/x-jinja",
    "jpeg": "image/jpeg",
    "markdown": "text/markdown",
    "mp3": "audio/mpeg",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "pem": "application/pgp-keys",
    "python": "text/x-python",
    "rtf": "text/rtf",
    "rust": "text/x-rust",
    "smali": "text/x-smali",
    "srt": "application/x-subrip",
    "svg": "image/svg+xml",
    "swift": "text/x-swift",
    "tsv": "text/tab-separated-values",
    "twig": "text/x-twig",
    "txt": "text/plain",
    "typescript": "text/x-typescript",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "yaml": "text/x-yaml",
    "bzip": "application/x-bzip2",
    "elf": "application/x-elf",
    "gif": "image/gif",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "pcap": "application/vnd.tcpdump.pcap",
    "pdf": "application/pdf",
    "php": "text/x-php",
    "png": "image/png",
    "rar": "application/vnd.rar",
    "sevenzip": "application/x-7z-compressed",
    "tiff": "image/tiff",
    "webp": "image/webp",
    "xar": "application/x-xar",
    "zip": "application/zip",
}
BY_EXTENSION = {
    "7z": "application/x-7z-compressed",
    "bat": "text/x-msdos-batch",
    "bz2": "application/x-bzip2",
    "cpio": "application/x-cpio",
    "deb": "application/vnd.debian.binary-package",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "gif": "image/gif",
    "ini": "text/x-ini",
    "iqy": "text/x-ms-iqy",
    "jnlp": "application/x-java-jnlp-file",
    "js": "text/javascript",
    "json": "application/json",
    "lnk": "application/x-ms-shortcut",
    "onepkg": "application/vnd.ms-cab-compressed",
    "pdf": "application/pdf",
    "plist": "application/x-plist",
    "rar": "application/vnd.rar",
    "asc": "application/pgp-signature",
    "xar": "application/x-xar",
    "xml": "text/xml",
    "xz": "application/x-xz",
    "yaml": "text/x-yaml",
    "yara": "text/x-yara",
    "html": "text/html",
    "cab": "application/vnd.ms-cab-compressed",
    "zip": "application/zip",
    "csv": "text/csv",
    "pgp": "application/pgp-keys",
}


def test_types_agree_with_the_labels_of_the_corpora(corpora: Path) -> None:
    labelled = [
        (path, LABELS[path.parent.name])
        for folder in ("filetype-magika", "archive-mitra")
        for path in sorted((corpora / folder).rglob("*.*"))
    ]
    labelled += [
        (path, "application/x-encrypted-office" if path.name == "test_password.docx" else BY_EXTENSION[path.suffix[1:]])
        for path in sorted((corpora / "files-strelka").iterdir())
    ]
    wrong = [path.name for path, mime in labelled if detect(Content.of_path(path), path.name).mime != mime]
    assert (wrong, len(labelled)) == ([], 104)
    by_content = [path for path, mime in labelled if detect(Content.of_path(path)).mime == mime]
    assert len(by_content) >= 88


def test_family_of_a_file_needs_no_name(corpora: Path) -> None:
    """Only a script's may: what it is written in is all that makes it one."""
    paths = [*(corpora / "filetype-magika").rglob("*.*"), *(corpora / "files-strelka").iterdir()]
    differ = {
        path.name
        for path in paths
        if detect(Content.of_path(path), path.name).family != detect(Content.of_path(path)).family
    }
    assert differ == {"code.py", "test.js"}


def jar(make_zip: MakeZip) -> bytes:
    return make_zip({"META-INF/MANIFEST.MF": b"Main-Class: M\n", "M.class": b"\xca\xfe\xba\xbe\x00\x00\x00\x34"})


def tar_that_begins_with(start: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("inside.txt")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"text"))
    packed = bytearray(out.getvalue())
    packed[: len(start)] = start
    packed[148:156] = b" " * 8
    packed[148:156] = b"%06o\x00 " % sum(packed[:512])
    return bytes(packed)


def seven_zip_header() -> bytes:
    start = struct.pack("<QQI", 0, 0, 0)
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start


def cab_of(name: bytes, data: bytes) -> bytes:
    """One stored file."""
    entry = struct.pack("<IIHHHH", len(data), 0, 0, 0, 0, 0x20) + name + b"\x00"
    folder_at = 36
    files_at = folder_at + 8
    data_at = files_at + len(entry)
    block = struct.pack("<IHH", 0, len(data), len(data)) + data
    head = b"MSCF" + struct.pack("<IIIIIBBHHHHH", 0, data_at + len(block), 0, files_at, 0, 3, 1, 1, 1, 0, 0, 0)
    return head + struct.pack("<IHH", data_at, 1, 0) + entry + block


def polyglots(make_zip: MakeZip, eicar: bytes) -> dict[str, tuple[bytes, str, str]]:
    """The sample, what it is first and what it is too; a harmful text is inside where that can be."""
    packed = make_zip({"eicar.com": eicar})
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("first.txt", b"x" * 20)
    return {
        "pdf and zip": (PDF + packed, "application/pdf", "application/zip"),
        "zip and pdf": (b"PK\x03\x04" + bytes(60) + PDF + packed, "application/zip", "application/pdf"),
        "gif and jar": (GIF + jar(make_zip), "image/gif", "application/java-archive"),
        "png and zip": (PNG + packed, "image/png", "application/zip"),
        "installer and jar": (msi() + jar(make_zip), "application/x-msi", "application/java-archive"),
        "picture and cabinet": (GIF + cab_of(b"eicar.com", eicar), "image/gif", "application/vnd.ms-cab-compressed"),
        "picture and page": (GIF + b"<script>x()</script>", "image/gif", "text/html"),
        "picture and php": (GIF + b"<?php echo 1;", "image/gif", "text/x-php"),
        "program and tar": (tar_that_begins_with(PE[:60]), "application/x-tar", "portable-executable"),
        "pdf and tar": (tar_that_begins_with(b"%PDF-1.4\n"), "application/x-tar", "application/pdf"),
        "shortcut and page": (lnk() + b"<hta:application>", "application/x-ms-shortcut", "application/hta"),
    }


def msi() -> bytes:
    clsid = bytes.fromhex("84100c0000000000c000000000000046")
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + clsid + bytes(1008)


def lnk() -> bytes:
    return b"L\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00F" + bytes(60)


def test_two_things_at_once_are_told_and_looked_into(examine: Examine, make_zip: MakeZip, eicar: bytes) -> None:
    for what, (data, first, second) in polyglots(make_zip, eicar).items():
        report = examine(data, "sample")
        reasons = [reason for reason in report.root.reasons if reason.rule == "polyglot"]
        assert report.root.type.endswith(first), what
        assert any(second in reason.says for reason in reasons), (what, report.root)
        assert report.root.verdict in ("suspicious", "malicious"), what
        if eicar in data:
            assert report.root.verdict == "malicious", what
        if data.endswith(make_zip({"eicar.com": eicar})):
            assert report.file("eicar.com").verdict == "malicious", what
    report = examine(GIF + cab_of(b"eicar.com", eicar), "photo.gif")
    assert report.file("eicar.com").verdict == "malicious"


def test_program_that_unpacks_itself_is_told_as_such(examine: Examine, make_zip: MakeZip, eicar: bytes) -> None:
    for packed in (make_zip({"eicar.com": eicar}), cab_of(b"eicar.com", eicar)):
        report = examine(PE + packed, "setup.exe")
        assert "self-extracting" in report.rules("setup.exe")
        assert report.file("eicar.com").verdict == "malicious"
    assert "self-extracting" in examine(PE + seven_zip_header(), "setup.exe").rules("setup.exe")


def test_what_only_looks_like_a_second_thing_is_none(examine: Examine, make_zip: MakeZip, corpora: Path) -> None:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("a.pdf", PDF)
        archive.writestr("inner.zip", make_zip({"a": b"x"}))
    assert examine(stored.getvalue(), "x.zip").rules("x.zip") == []
    folders = ("filetype-magika", "archive-mitra", "files-strelka", "pdf-pypdf", "msg-poi", "office-oletools")
    for folder in folders:
        for path in sorted((corpora / folder).rglob("*.*")):
            report = examine(path.read_bytes(), path.name)
            assert not {"polyglot", "self-extracting"} & {reason.rule for reason in report.root.reasons}, path


@pytest.mark.parametrize(
    ("name", "data", "verdict"),
    [
        ("invoice.pdf", PE, "suspicious"),
        ("photo.jpg", b"#!/bin/sh\nid\n", "suspicious"),
        ("report.docx", b"{\\rtf1 hello}", "unknown"),
        ("notes.txt", PDF, "unknown"),
        ("picture.png", GIF, None),
        ("report.doc", b"{\\rtf1 hello}", None),
        ("a.txt", b"", None),
    ],
)
def test_name_that_promises_another_type_is_told(examine: Examine, name: str, data: bytes, verdict: str | None) -> None:
    root = examine(data, name).root
    told = [reason.rule for reason in root.reasons if reason.engine == "caseway-names"]
    assert told == (["name-says-otherwise"] if verdict else [])
    assert verdict is None or root.verdict == verdict


def test_ordinary_names_of_the_corpora_promise_what_they_hold(examine: Examine, corpora: Path) -> None:
    for folder in ("filetype-magika", "archive-mitra", "files-strelka", "pdf-pypdf"):
        for path in sorted((corpora / folder).rglob("*.*")):
            assert "name-says-otherwise" not in examine(path.read_bytes(), path.name).rules(path.name), path


@pytest.mark.parametrize(
    ("name", "data", "mime"),
    [
        ("large.png", PNG, "image/png"),
        ("frames.gif", GIF + b"!\xf9\x04\x00\x00\x00\x00\x00," * 10_000, "image/gif"),
        ("x.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>x()</script></svg>', "image/svg+xml"),
        (
            "entities.svg",
            b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
            b"]><svg>&b;&b;&b;</svg>",
            "image/svg+xml",
        ),
        ("x.jpg", b"\xff\xd8\xff\xe0" + b"\xff\xc2\x00\x11\x08\xff\xff\xff\xff\x03" * 50, "image/jpeg"),
        ("x.tif", b"II*\x00\x08\x00\x00\x00" + b"\xff" * 400, "image/tiff"),
    ],
)
def test_pictures_are_named_and_never_decoded(examine: Examine, name: str, data: bytes, mime: str) -> None:
    """Whatever size they claim: all that is known of them is their bytes."""
    report = examine(data, name)
    assert (report.root.type, report.names(), report.limits()) == (mime, [name], set())
