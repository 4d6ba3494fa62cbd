"""How far the canonical form agrees with the web platform's own vectors, and where it knowingly does not."""

import json
from typing import Any

import can_ada
import pytest

from caseway_kit.testing.corpora import corpora
from url_rating.canonical import InvalidUrl, canonicalize

RATED = ("http:", "https:", "ftp:")

DEVIATIONS = {
    "a/": "without a scheme we read a host, as an address bar does",
    "http://a.b.c.xn--pokxncvks": "the parser refuses Punycode that decodes to nothing valid",
    "http://10.0.0.xN--pokxncvks": "the parser refuses Punycode that decodes to nothing valid",
    "https://xn--/": "the parser refuses empty Punycode",
}


@pytest.fixture
def vectors() -> list[dict[str, Any]]:
    rows = json.loads((corpora("url-wpt") / "urltestdata.json").read_text())
    return [row for row in rows if isinstance(row, dict) and row.get("base") in (None, "about:blank")]


@pytest.fixture
def hosts() -> list[dict[str, Any]]:
    rows = json.loads((corpora("url-wpt") / "toascii.json").read_text())
    return [row for row in rows if isinstance(row, dict) and row["input"].isprintable()]


def canonical_host(url: str) -> str | None:
    try:
        return canonicalize(url).host
    except InvalidUrl:
        return None


def test_absolute_urls_agree_with_the_platform(vectors: list[dict[str, Any]]) -> None:
    assert len(vectors) > 250
    differing = {
        row["input"]
        for row in vectors
        if canonical_host(row["input"]) != (row["hostname"] if row.get("protocol") in RATED else None)
    }
    assert differing == set(DEVIATIONS)


def test_hosts_agree_with_the_parser(hosts: list[dict[str, Any]]) -> None:
    assert len(hosts) > 20
    for row in hosts:
        url = f"http://{row['input']}/x"
        if "." not in row["input"].strip(".") or "/" in row["input"] or ".." in row["input"]:
            continue
        expected = can_ada.parse(url).hostname.strip(".") if can_ada.can_parse(url) else None
        assert canonical_host(url) == expected, row
