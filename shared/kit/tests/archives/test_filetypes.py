import struct
from collections.abc import Callable

import pytest

from caseway_kit.archives import Content, detect, named_susceptible

MakeZip = Callable[[dict[str, bytes]], bytes]
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\x00\x00" + bytes(64)
LNK = b"L\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00F" + bytes(60)
CONTENT_TYPES = "[Content_Types].xml"


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (b"", "application/x-empty"),
        (PE, "application/vnd.microsoft.portable-executable"),
        (b"\x7fELF\x02\x01\x01" + bytes(60), "application/x-elf"),
        (b"\xcf\xfa\xed\xfe" + bytes(60), "application/x-mach-binary"),
        (LNK, "application/x-ms-shortcut"),
        (b"#!/bin/sh\necho hello\n", "text/x-shellscript"),
        (b'Set s = CreateObject("WScript.Shell")\r\n', "text/x-script"),
        (b"<?php echo 1;", "text/x-php"),
        (b"@echo off\r\ndir\r\n", "text/x-script"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "image/png"),
        (b"{\\rtf1 hello}", "text/rtf"),
        (b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\n\r\nhello", "message/rfc822"),
        (b"Received: from x\n\tby y\nDate: today\nFrom: a\n\nhello", "message/rfc822"),
        (b"To: everybody\nplease read this\n", "text/plain"),
        (b"<!DOCTYPE html><html><body>hello", "text/html"),
        (b"<?xml version='1.0'?><a/>", "text/xml"),
        ("<?xml version='1.0'?><a/>".encode("utf-16"), "text/xml"),
        (b"ls -lh is a command\n", "text/plain"),
        (b"MZ is how this sentence starts", "text/plain"),
        (bytes(range(256)), "application/octet-stream"),
    ],
)
def test_content_says_what_it_is(data: bytes, mime: str) -> None:
    assert detect(Content.of_bytes(data)).mime == mime


@pytest.mark.parametrize(
    ("members", "family", "suffix"),
    [
        (["a.txt"], "archive", "zip"),
        ([CONTENT_TYPES, "word/document.xml"], "document", "wordprocessingml.document"),
        ([CONTENT_TYPES, "word/document.xml", "word/vbaProject.bin"], "macro-document", "wordprocessingml.document"),
        ([CONTENT_TYPES, "xl/workbook.xml", "xl/macrosheets/sheet1.xml"], "macro-document", "spreadsheetml.sheet"),
        (["META-INF/MANIFEST.MF", "Main.class"], "executable", "java-archive"),
        (["AndroidManifest.xml", "classes.dex"], "installer", "android.package-archive"),
    ],
)
def test_zip_is_what_its_members_make_it(make_zip: MakeZip, members: list[str], family: str, suffix: str) -> None:
    found = detect(Content.of_bytes(make_zip(dict.fromkeys(members, b"x"))))
    assert (found.family, found.mime.endswith(suffix), found.members) == (family, True, True)


def test_zip_behind_a_picture_can_still_be_taken_out(make_zip: MakeZip) -> None:
    found = detect(Content.of_bytes(b"GIF89a" + bytes(300) + make_zip({"a.exe": PE})))
    assert (found.mime, found.members) == ("image/gif", True)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("setup.EXE", "executable"),
        ("a/b/invoice.pdf.js", "script"),
        ("x.lnk. ", "shortcut"),
        ("d\\disk.iso", "disk-image"),
        ("m.docm", "macro-document"),
        ("m.msi", "installer"),
        ("report.pdf", None),
        ("exe", None),
        ("", None),
    ],
)
def test_name_alone_can_claim_to_be_susceptible(name: str, family: str | None) -> None:
    assert named_susceptible(name) == family
