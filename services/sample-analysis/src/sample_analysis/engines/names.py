"""What a name gives away about a file, beside its content."""

import re

from caseway_contracts.results import Reason
from caseway_kit.archives import FileType
from sample_analysis.engines.tree import Node

_VERSION = "2"
_DOCUMENT = r"pdf|docx?|xlsx?|pptx?|rtf|odt|ods|txt|csv|html?|jpe?g|png|gif|bmp|mp[34]|avi|zip|rar|7z"
_RUNS = r"exe|scr|com|pif|cpl|bat|cmd|vbs|vbe|js|jse|wsf|wsh|hta|ps1|lnk|jar|msi|iso|img|vhdx?"
_DOUBLE = re.compile(rf"(?i)\.(?:{_DOCUMENT})[ _.]{{0,200}}\.(?:{_RUNS})[. ]{{0,20}}$")
_RIGHT_TO_LEFT = ("\u202e", "\u202d", "\u2066", "\u2067")
_RUNNABLE = ("executable", "installer", "shortcut", "script")

_IMAGE = ("image/",)
_MEDIA = ("audio/", "video/")
_OFFICE = ("application/vnd.openxmlformats", "application/vnd.ms-", "application/x-encrypted-office")
_OLD_OFFICE = (*_OFFICE, "application/msword", "application/x-ole-storage", "text/rtf", "text/html", "text/xml")
_TEXT = ("text/", "application/json", "application/pgp", "application/x-pem")
_ZIP = ("application/zip", "application/vnd.", "application/java-archive", "application/epub", "application/appx")

# What a file of that name begins its type with, if it is what it is called.
_EXPECTED: dict[str, tuple[str, ...]] = {
    "pdf": ("application/pdf",),
    "rtf": ("text/rtf",),
    **dict.fromkeys(("docx", "xlsx", "pptx"), _OFFICE),
    **dict.fromkeys(("doc", "xls", "ppt"), _OLD_OFFICE),
    **dict.fromkeys(("odt", "ods", "odp"), ("application/vnd.oasis",)),
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff", "webp", "ico", "svg"), _IMAGE),
    **dict.fromkeys(("mp3", "mp4", "avi", "wav", "ogg", "flac", "mkv", "mov"), _MEDIA),
    **dict.fromkeys(("txt", "csv", "log", "md", "ini"), (*_TEXT, "message/")),
    "zip": _ZIP,
    "rar": ("application/vnd.rar",),
    "7z": ("application/x-7z-compressed",),
    "gz": ("application/gzip",),
    "tgz": ("application/gzip",),
    "bz2": ("application/x-bzip2",),
    "xz": ("application/x-xz",),
    "cab": ("application/vnd.ms-cab-compressed",),
    "tar": ("application/x-tar",),
    "exe": ("application/vnd.microsoft.portable-executable",),
    "dll": ("application/vnd.microsoft.portable-executable",),
    "msg": ("application/vnd.ms-outlook",),
    "iso": ("application/x-iso9660-image",),
}


def judge(node: Node, found: FileType) -> None:
    name = re.split(r"[\\/]", node.name)[-1][-260:]
    if _DOUBLE.search(name):
        _tell(node, "double-extension", "The name ends in the extension of a document and then of a program.")
    if any(mark in name for mark in _RIGHT_TO_LEFT):
        _tell(node, "reversed-name", "The name holds marks that make it read backwards.")
    extension = name.rstrip(". ").rpartition(".")[2].lower()
    expected = _EXPECTED.get(extension)
    if expected is None or found.mime.startswith(expected) or found.mime == "application/x-empty":
        return
    if found.family in _RUNNABLE and not extension.startswith(("exe", "dll")):
        says = f"Named like a document or picture, but its content is {found.mime}."
        _tell(node, "name-says-otherwise", says)
    elif found.family != "unknown":
        says = f"Its name ends in .{extension}, but its content is {found.mime}."
        _tell(node, "name-says-otherwise", says, suspicious=False)


def _tell(node: Node, rule: str, says: str, *, suspicious: bool = True) -> None:
    reason = Reason(engine="caseway-names", version=_VERSION, rule=rule, where="name", says=says)
    node.found(reason, "suspicious" if suspicious else "unknown")
