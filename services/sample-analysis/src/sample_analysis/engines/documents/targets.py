"""Where a document leads to outside itself: templates, objects and pictures that Office would load, and links."""

import re

from sample_analysis.engines.inspection import Inspection

# What is loaded without a click; a link that a reader clicks is an address like any other.
_LOADED = {
    "attachedtemplate": ("remote-template", "Opened, the document loads its template from a server."),
    "oleobject": ("remote-object", "Opened or updated, the document loads an object from a server."),
    "frame": ("remote-frame", "Opened, the document loads another document into a frame of it."),
    "subdocument": ("remote-part", "Opened, the document loads a part of it from a server."),
    "package": ("remote-object", "Opened or updated, the document loads an object from a server."),
}
_WEB = re.compile(r"(?i)^(?:https?|ftp):")
_HANDLER = re.compile(
    r"(?i)^(?:mhtml|ms-msdt|search-ms|ms-search|script|javascript|vbscript|x-usc|ms-officecmd|ms-appinstaller):"
)
_ADDRESS = re.compile(r"(?i)^(?:file:)?[\\/]{2,5}(?:\d{1,3}\.){3}\d{1,3}(?:@\w{1,10})?[\\/]")
_SHARE = re.compile(r"(?i)^(?:file:(?://|\\\\){2,3}|\\\\|//)[^\\/\s]")
_INNER_URL = re.compile(r"(?i)(?:https?|ftp)://[^\s!\"'<>]{1,4096}")


def judge(inspection: Inspection, kind: str, target: str, where: str) -> None:
    kind = kind.rpartition("/")[2].lower()
    if inner := _INNER_URL.search(target):
        inspection.link(inner.group())
    place = f"{where}: {target}"
    if _HANDLER.match(target):
        says = "It leads to an address that has a program of Windows run what lies there."
        inspection.suspect("target-runs-program", says, place)
    elif _ADDRESS.match(target):
        says = "It leads to a share on a bare address: opened, Windows gives that server the user's sign-in."
        inspection.suspect("share-on-address", says, place)
    elif kind in _LOADED and _WEB.match(target):
        rule, says = _LOADED[kind]
        inspection.suspect(rule, says, place)
    elif kind in _LOADED or _SHARE.match(target):
        inspection.tell("outside-part", "A part of the document lies outside it.", place)
    elif kind not in ("hyperlink", "image") and _WEB.match(target):
        inspection.tell("outside-part", "A part of the document lies on a server.", place)
