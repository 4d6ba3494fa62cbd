"""URLs as they stand in text and HTML; which of them is bad is url-rating's to say."""

import html
import re
from collections.abc import Iterator

import can_ada

LONGEST = 8192
SEARCHED = 4 * 1024 * 1024

# Every repetition is bounded: these run on text that a stranger chose.
_IN_TEXT = re.compile(r"(?i)\b(?:https?|ftp)://[^\s<>\"'`{}|\\^\x00-\x20]{1,8192}")
_IN_ATTRIBUTE = re.compile(
    r"(?i)\b(?:href|src|action|background|data)\s{0,16}=\s{0,16}"
    r"(?:\"([^\"<>]{1,8192})\"|'([^'<>]{1,8192})'|([^\s\"'<>]{1,8192}))"
)
_TAG = re.compile(r"<[^<>]{0,8192}>")
_CLOSING = {")": "(", "]": "["}


def in_text(text: str) -> Iterator[str]:
    for match in _IN_TEXT.finditer(text[:SEARCHED]):
        if (url := _trimmed(match.group())) and can_ada.can_parse(url):
            yield url


def in_html(text: str) -> Iterator[str]:
    """Where its links and pictures lead, then what a reader sees written."""
    text = text[:SEARCHED]
    for match in _IN_ATTRIBUTE.finditer(text):
        url = html.unescape(next(filter(None, match.groups()), "")).strip()
        # Browsers ignore these inside an address, and so do those who hide one.
        url = url.replace("\t", "").replace("\r", "").replace("\n", "")
        if url.lower().startswith(("http:", "https:", "ftp:")) and can_ada.can_parse(url):
            yield url[:LONGEST]
    yield from in_text(html.unescape(_TAG.sub(" ", text)))


def _trimmed(url: str) -> str:
    """Without the punctuation that belongs to the sentence around it."""
    surplus = {last: url.count(last) - url.count(first) for last, first in _CLOSING.items()}
    end = len(url)
    while end and ((last := url[end - 1]) in ".,;:!?*_~" or surplus.get(last, 0) > 0):
        if last in surplus:
            surplus[last] -= 1
        end -= 1
    return url[:end]
