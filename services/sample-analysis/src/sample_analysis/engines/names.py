"""What a name gives away about a file, beside its content."""

import re

from caseway_contracts.results import Reason
from caseway_kit.archives import FileType
from sample_analysis.engines.tree import Node

_VERSION = "1"
_DOCUMENT = r"pdf|docx?|xlsx?|pptx?|rtf|odt|ods|txt|csv|html?|jpe?g|png|gif|bmp|mp[34]|avi|zip|rar|7z"
_RUNS = r"exe|scr|com|pif|cpl|bat|cmd|vbs|vbe|js|jse|wsf|wsh|hta|ps1|lnk|jar|msi|iso|img|vhdx?"
_DOUBLE = re.compile(rf"(?i)\.(?:{_DOCUMENT})[ _.]{{0,200}}\.(?:{_RUNS})[. ]{{0,20}}$")
_HARMLESS_NAME = re.compile(r"(?i)\.(?:pdf|docx?|xlsx?|pptx?|rtf|txt|csv|jpe?g|png|gif|bmp|mp[34]|avi)$")
_RIGHT_TO_LEFT = ("\u202e", "\u202d", "\u2066", "\u2067")


def judge(node: Node, found: FileType) -> None:
    name = re.split(r"[\\/]", node.name)[-1][-260:]
    if _DOUBLE.search(name):
        _suspicious(node, "double-extension", "The name ends in the extension of a document and then of a program.")
    if any(mark in name for mark in _RIGHT_TO_LEFT):
        _suspicious(node, "reversed-name", "The name holds marks that make it read backwards.")
    if found.family in ("executable", "installer", "shortcut") and _HARMLESS_NAME.search(name):
        _suspicious(node, "name-says-otherwise", f"Named like a document or picture, but its content is {found.mime}.")


def _suspicious(node: Node, rule: str, says: str) -> None:
    node.found(Reason(engine="caseway-names", version=_VERSION, rule=rule, where="name", says=says), "suspicious")
