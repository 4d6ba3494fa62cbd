"""URLs as they stand in text and HTML; which of them is bad is url-rating's to say."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urljoin

import can_ada

from sample_analysis.engines.mailing import unwrapping

LONGEST = 8192
SEARCHED = 4 * 1024 * 1024
ANCHORS = 2000
ANCHOR_TEXT = 2000

# Every repetition is bounded: these run on text that a stranger chose.
_IN_TEXT = re.compile(r"(?i)\b(?:(?:https?|ftp)://|www\.(?=[a-z0-9-]{1,63}\.))[^\s<>\"'`{}|\\^\x00-\x20]{1,8192}")
_IN_ATTRIBUTE = re.compile(
    r"(?i)\b(?:href|src|action|formaction|background|data|poster|cite)\s{0,16}=\s{0,16}"
    r"(?:\"([^\"<>]{1,8192})\"|'([^'<>]{1,8192})'|([^\s\"'<>]{1,8192}))"
)
_IN_STYLE = re.compile(r"(?i)\burl\(\s{0,16}(?:\"|'|&quot;|&#39;)?([^\"'()<>\s]{1,8192})")
_IN_META = re.compile(
    r"(?i)\bcontent\s{0,16}=\s{0,16}[\"']?\s{0,16}\d{0,6}\s{0,16}[;,]\s{0,16}url\s{0,16}=\s{0,16}['\"]?([^\"'<>\s]{1,8192})"
)
_BASE = re.compile(r"(?i)<base\s[^<>]{0,200}?\bhref\s{0,16}=\s{0,16}[\"']?([^\"'<>\s]{1,2048})")
_ANCHOR = re.compile(r"(?i)<a\s([^<>]{0,8192})>")
_TAG = re.compile(r"<[^<>]{0,8192}>")
_CLOSING = {")": "(", "]": "["}
_IGNORED = str.maketrans("", "", "\t\r\n")
_WEB = ("http:", "https:", "ftp:")


@dataclass(frozen=True)
class Anchor:
    target: str
    shown: str


def in_text(text: str) -> Iterator[str]:
    for match in _IN_TEXT.finditer(text[:SEARCHED]):
        url = _trimmed(match.group())
        url = f"http://{url}" if url[:4].lower() == "www." else url
        if url and can_ada.can_parse(url):
            yield url


def in_html(text: str) -> Iterator[str]:
    """Where its links, pictures, forms and refreshes lead, then what a reader sees written."""
    text = text[:SEARCHED]
    base = _base(text)
    for pattern in (_IN_ATTRIBUTE, _IN_META, _IN_STYLE):
        for match in pattern.finditer(text):
            if url := _absolute(next(filter(None, match.groups()), ""), base):
                yield url[:LONGEST]
    yield from in_text(html.unescape(_TAG.sub(" ", text)))


def anchors(text: str) -> Iterator[Anchor]:
    """The links that a reader can click, with the words that they see there."""
    text = text[:SEARCHED]
    base = _base(text)
    for match in islice(_ANCHOR.finditer(text), ANCHORS):
        end = text.find("</", match.end(), match.end() + ANCHOR_TEXT)
        while end >= 0 and text[end + 2 : end + 3].lower() != "a":
            end = text.find("</", end + 2, match.end() + ANCHOR_TEXT)
        href = _IN_ATTRIBUTE.search(f" {match.group(1)} ")
        target = _absolute(next(filter(None, href.groups()), ""), base) if href else ""
        if target and end > 0:
            shown = " ".join(html.unescape(_TAG.sub(" ", text[match.end() : end])).split())
            yield Anchor(target, shown)


def unwrapped(found: Iterator[str]) -> Iterator[str]:
    """Each as it stands, then what a gateway has wrapped in it."""
    for url in found:
        yield url
        yield from (inner for inner in unwrapping.layers(url) if can_ada.can_parse(inner))


def _base(text: str) -> str:
    match = _BASE.search(text)
    base = html.unescape(match.group(1)) if match else ""
    return base if base.lower().startswith(_WEB) else ""


def _absolute(raw: str, base: str) -> str:
    # Browsers ignore line ends inside an address, and so do those who hide one.
    url = html.unescape(raw).strip().translate(_IGNORED)
    if url.startswith("//"):
        url = f"https:{url}"
    elif base and url and not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]{0,20}:|#", url):
        try:
            url = urljoin(base, url)
        except ValueError:
            return ""
    return url if url.lower().startswith(_WEB) and can_ada.can_parse(url) else ""


def _trimmed(url: str) -> str:
    """Without the punctuation that belongs to the sentence around it."""
    surplus = {last: url.count(last) - url.count(first) for last, first in _CLOSING.items()}
    end = len(url)
    while end and ((last := url[end - 1]) in ".,;:!?*_~" or surplus.get(last, 0) > 0):
        if last in surplus:
            surplus[last] -= 1
        end -= 1
    return url[:end]
