"""What a piece of bytes is: by its content first; the name only refines what content leaves open."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from caseway_kit.archives import signatures, texttypes
from caseway_kit.archives.content import Content
from caseway_kit.archives.ziplayout import ends_as_zip

Family = Literal[
    "archive",
    "document",
    "executable",
    "image",
    "installer",
    "mail",
    "macro-document",
    "disk-image",
    "media",
    "script",
    "shortcut",
    "text",
    "unknown",
]
SUSCEPTIBLE: frozenset[Family] = frozenset(
    {"executable", "script", "installer", "shortcut", "macro-document", "disk-image"}
)

_PYTHON_FLAGS = (bytes(4), b"\x01\x00\x00\x00", b"\x03\x00\x00\x00")
MEMBERS_IN_HEAD = 64 * 1024
OLE_SEARCHED = 4 * 1024 * 1024
DIRECTORY_SEARCHED = 256 * 1024

EXTENSIONS: dict[Family, frozenset[str]] = {
    "executable": frozenset(
        [
            "exe",
            "dll",
            "sys",
            "scr",
            "com",
            "pif",
            "cpl",
            "ocx",
            "drv",
            "ax",
            "efi",
            "elf",
            "so",
            "dylib",
            "class",
            "jar",
            "war",
            "ear",
            "xll",
            "wll",
            "node",
            "pyc",
            "pyd",
            "bin",
        ]
    )
    - {"bin"},
    "script": frozenset(
        [
            "bat",
            "cmd",
            "ps1",
            "psm1",
            "psd1",
            "ps1xml",
            "vbs",
            "vbe",
            "js",
            "jse",
            "mjs",
            "ws",
            "wsf",
            "wsc",
            "wsh",
            "sct",
            "hta",
            "py",
            "pyw",
            "rb",
            "pl",
            "sh",
            "bash",
            "zsh",
            "csh",
            "ksh",
            "php",
            "lua",
            "tcl",
            "au3",
            "ahk",
            "applescript",
            "scpt",
            "reg",
            "inf",
            "job",
            "msh",
            "msh1",
            "msh2",
            "mshxml",
            "chm",
            "hlp",
        ]
    ),
    "installer": frozenset(
        [
            "msi",
            "msp",
            "mst",
            "msix",
            "msixbundle",
            "appx",
            "appxbundle",
            "apk",
            "xapk",
            "aab",
            "deb",
            "rpm",
            "pkg",
            "mpkg",
            "ipa",
        ]
    ),
    "shortcut": frozenset(
        [
            "lnk",
            "url",
            "scf",
            "desktop",
            "webloc",
            "settingcontent-ms",
            "library-ms",
            "appref-ms",
            "application",
            "website",
        ]
    ),
    "macro-document": frozenset(
        ["docm", "dotm", "xlsm", "xltm", "xlam", "xlm", "pptm", "potm", "ppam", "ppsm", "sldm"]
    ),
    "disk-image": frozenset(["iso", "img", "vhd", "vhdx", "vmdk", "dmg", "udf"]),
}
_BY_EXTENSION: dict[str, Family] = {ext: family for family, exts in EXTENSIONS.items() for ext in exts}

_MAIL_HEADER = re.compile(
    rb"(?im)^(from|to|cc|subject|date|received|message-id|mime-version|content-type|return-path|delivered-to"
    rb"|reply-to|x-mailer|sender|authentication-results|dkim-signature|content-transfer-encoding|x-[a-z-]{1,40}) ?:"
)
_HEADER_LINE = re.compile(rb"^(?:From [^\r\n]{1,200}\r?\n)?>?[A-Za-z][A-Za-z0-9-]{0,75} ?:")
_SCRIPT = re.compile(
    rb"(?i)(?:\bWScript\.(?:Shell|CreateObject|Echo|Quit)|\bCreateObject\s{0,4}\(\s{0,4}\"(?:WScript|Scripting|MSXML|ADODB)"
    rb"|\bnew\s{1,4}ActiveXObject\s{0,4}\(|\bInvoke-(?:Expression|WebRequest)\b|\bNew-Object\s{1,4}(?:System\.)?Net\."
    rb"|^\s{0,8}@echo\s{1,4}off\b|<hta:application|\[System\.Reflection\.Assembly\]::)"
)


@dataclass(frozen=True)
class FileType:
    mime: str
    family: Family
    members: bool = False
    """Holds members that an archive reader can take out."""
    zip: bool = False
    """Its members are those of a zip, which may begin anywhere in it."""

    @property
    def susceptible(self) -> bool:
        return self.family in SUSCEPTIBLE


UNKNOWN = FileType("application/octet-stream", "unknown")
EMPTY = FileType("application/x-empty", "unknown")
TEXT = FileType("text/plain", "text")
MAIL = FileType("message/rfc822", "mail")
OUTLOOK = FileType("application/vnd.ms-outlook", "mail")


def named_susceptible(name: str) -> Family | None:
    """The susceptible family that a name alone claims; content may say so for any other name."""
    base = re.split(r"[\\/]", name)[-1].rstrip(". ").lower()
    return _BY_EXTENSION.get(base.rpartition(".")[2]) if "." in base else None


def detect(sample: Content, name: str = "") -> FileType:
    """The type of a whole sample; reads its head, for some containers also its tail or more."""
    if sample.size == 0:
        return EMPTY
    head = sample.head()
    if head.startswith(signatures.ZIP_MAGICS):
        return type_of_zip(sample)
    if head.startswith(signatures.OLE_MAGIC):
        return _ole(sample.head(OLE_SEARCHED))
    found = _magic(sample, head) or detect_head(head, name)
    # A program that unpacks itself, or a picture with a zip behind it.
    return replace(found, members=True, zip=True) if not found.members and ends_as_zip(sample) else found


@lru_cache(maxsize=1)
def _magic_table() -> tuple[tuple[int, bytes, FileType], ...]:
    return tuple((at, magic, FileType(mime, family, members)) for at, magic, mime, family, members in signatures.TABLE)


def _magic(sample: Content, head: bytes) -> FileType | None:
    for at, magic, found in _magic_table():
        if head.startswith(magic, at):
            return found
    if head.startswith(b"MZ") and b"\x00" in head[:1024]:
        return FileType("application/vnd.microsoft.portable-executable", "executable")
    if head[1:4] in (b"\x0c\r\n", b"\x0d\r\n", b"\x0e\r\n") and head[4:8] in _PYTHON_FLAGS:
        return FileType("application/x-python-bytecode", "executable")
    if is_tar(head):
        return FileType("application/x-tar", "archive", members=True)
    if sample.size > signatures.ISO_AT + 8 and sample.read(signatures.ISO_AT, 5) in (b"CD001", b"BEA01"):
        return FileType("application/x-iso9660-image", "disk-image", members=True)
    if sample.size > 512 and sample.tail(512).startswith(b"koly"):
        return FileType("application/x-apple-diskimage", "disk-image")
    return None


def is_tar(head: bytes) -> bool:
    """By the checksum of its first header: a tar of before "ustar" has no signature."""
    stated = head[148:156].strip(b" \x00")
    if len(head) < 512 or not re.fullmatch(rb"[0-7]{1,7}", stated) or head[0] == 0:
        return False
    return sum(head[:148]) + sum(head[156:512]) + 8 * 32 == int(stated, 8)


def detect_head(head: bytes, name: str = "") -> FileType:
    """Text and what looks like it; the fall-back when no signature fits."""
    bom = head[:4]
    if bom.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head[: len(head) & ~1].decode("utf-16", "replace").encode()
    elif bom.startswith(b"\xef\xbb\xbf"):
        head = head[3:]
    start = head.lstrip()[:256].lower()
    if start.startswith(b"#!"):
        return FileType("text/x-shellscript", "script")
    if start.startswith((b"<?php", b"<?=")):
        return FileType("text/x-php", "script")
    if _looks_like_mail(head, name):
        return MAIL
    if _is_binary(head):
        return UNKNOWN
    if start.startswith((b"[internetshortcut]", b"[desktop entry]")):
        return FileType("application/x-mswinurl", "shortcut")
    if start.startswith((b"windows registry editor", b"regedit4")):
        return FileType("text/x-ms-regedit", "script")
    if _SCRIPT.search(head) is not None and b"<html" not in start and b"<!doctype html" not in start:
        return FileType(texttypes.script_kind(head, name), "script")
    is_page = start.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))
    # A page may hold drawings; what is called one is opened as one, however late it begins.
    if name.lower().endswith(".svg") or (not is_page and b"<svg" in head[:1024].lower()):
        return FileType("image/svg+xml", "image")
    if is_page or b"<html" in head[:1024].lower():
        return FileType("text/html", "text")
    if start.startswith(b"<?xml"):
        return FileType(texttypes.xml_kind(head), "text")
    if named_susceptible(name) == "script":
        return FileType(texttypes.script_kind(head, name), "script")
    return FileType(texttypes.text_kind(head, name), "text")


def _looks_like_mail(head: bytes, name: str) -> bool:
    if _HEADER_LINE.match(head) is None:
        return False
    block = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    known = {match.group(1).lower() for match in _MAIL_HEADER.finditer(block)}
    return len(known) >= (1 if name.lower().endswith((".eml", ".mht", ".mhtml")) else 3) or (
        len(known) == 2 and bool(known & {b"from", b"received", b"return-path", b"message-id", b"mime-version"})
    )


def _is_binary(head: bytes) -> bool:
    return b"\x00" in head or sum(head.count(byte) for byte in b"\x01\x02\x03\x04\x05\x06\x0e\x0f\x10\x11") * 50 > len(
        head
    )


def type_of_zip(sample: Content) -> FileType:
    """A zip is what its directory names: Office files, Java and Android packages are zips too."""
    listing = sample.head(MEMBERS_IN_HEAD) + sample.tail(DIRECTORY_SEARCHED)
    if b"AndroidManifest.xml" in listing:
        return FileType("application/vnd.android.package-archive", "installer", members=True, zip=True)
    if b"[Content_Types].xml" in listing:
        for folder, mime in signatures.OFFICE_FOLDERS:
            if folder in listing:
                macros = b"vbaProject.bin" in listing or b"xl/macrosheets/" in listing
                return FileType(mime, "macro-document" if macros else "document", members=True, zip=True)
        if b"AppxManifest.xml" in listing:
            return FileType("application/appx", "installer", members=True, zip=True)
    if b"META-INF/MANIFEST.MF" in listing and b".class" in listing:
        return FileType("application/java-archive", "executable", members=True, zip=True)
    if sample.read(30, 8) == b"mimetype" and (open_document := re.match(rb"[\w./+-]+", sample.read(38, 80))):
        macros = b"Basic/" in listing
        mime = open_document.group().decode().removesuffix("PK")
        return FileType(mime, "macro-document" if macros else "document", members=True, zip=True)
    return FileType("application/zip", "archive", members=True, zip=True)


def _ole(data: bytes) -> FileType:
    if _utf16("__substg1.0_") in data or _utf16("__properties_version1.0") in data:
        return OUTLOOK
    if signatures.MSI_CLASS in data or b"\x40\x48" + signatures.MSI_TABLE in data:
        return FileType("application/x-msi", "installer")
    macros = any(_utf16(stream) in data for stream in ("_VBA_PROJECT", "VBA", "Macros"))
    for stream, mime in signatures.OLE_STREAMS:
        if _utf16(stream) in data:
            return FileType(mime, "macro-document" if macros else "document")
    return FileType("application/x-ole-storage", "macro-document" if macros else "document")


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\x00\x00" if not text.startswith("__s") else text.encode("utf-16-le")
