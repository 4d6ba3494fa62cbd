"""How far the canonical form agrees with published vectors, and where it knowingly does not: docs/url-ratings.md lists
the same deviations."""

import json
import re
from typing import Any

import ada_url
import pytest

from caseway_kit.testing.corpora import corpora
from url_rating.canonical import InvalidUrl, canonicalize
from url_rating.expressions import registrable_domain

RATED = ("http:", "https:", "ftp:")
PARTS = ("href", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash")

WITHOUT_SCHEME = {"a/": "without a scheme we read a host, as an address bar does"}
# uk.com is a company's domain that sells names below it: a list may well mean all of it.
PRIVATE_SUFFIXES = {"uk.com": "uk.com", "a.b.example.uk.com": "uk.com"}


def rows(name: str) -> list[dict[str, Any]]:
    return [row for row in json.loads((corpora("url-wpt") / name).read_text()) if isinstance(row, dict)]


def parsed(row: dict[str, Any]) -> dict[str, str] | None:
    base = row.get("base")
    try:
        url = ada_url.URL(row["input"]) if base in (None, "about:blank") else ada_url.URL(row["input"], base)
    except ValueError:
        return None
    return {part: getattr(url, part) for part in PARTS}


def canonical_host(url: str) -> str | None:
    try:
        return canonicalize(url).host
    except InvalidUrl:
        return None


def without_surplus_dots(host: str | None) -> str | None:
    return ".".join(label for label in host.split(".") if label) or None if host is not None else None


@pytest.mark.parametrize(
    ("name", "count"),
    [("urltestdata.json", 440), ("ada_extra_urltestdata.json", 15), ("verifydnslength_tests.json", 8)],
)
def test_every_vector_is_parsed_as_the_platform_says(name: str, count: int) -> None:
    vectors = rows(name)
    if name == "verifydnslength_tests.json":  # about a stricter check than a browser makes: these names are opened
        vectors = [{**row, "failure": False} for row in vectors]
    differing = []
    for row in vectors:
        found = parsed(row)
        wanted = None if row.get("failure") else {part: row[part] for part in PARTS if part in row}
        if (found is None) != (wanted is None) or any((found or {})[part] != row[part] for part in wanted or ()):
            differing.append(row["input"])
    assert len(vectors) == count
    assert differing == []


def test_absolute_urls_get_the_host_that_the_platform_says() -> None:
    vectors = [row for row in rows("urltestdata.json") if row.get("base") in (None, "about:blank")]
    differing = {
        row["input"]
        for row in vectors
        if canonical_host(row["input"])
        != (without_surplus_dots(row["hostname"]) if row.get("protocol") in RATED else None)
    }
    assert len(vectors) == 287
    assert differing == set(WITHOUT_SCHEME)


@pytest.mark.parametrize(("name", "count"), [("IdnaTestV2.json", 1_343), ("toascii.json", 40)])
def test_host_names_are_mapped_as_uts_46_says(name: str, count: int) -> None:
    vectors = rows(name)
    # An empty name cannot be put into a URL: what follows the slashes would become the name.
    differing = [
        (row["input"], row["output"])
        for row in vectors
        if row["input"] and canonical_host(f"https://{row['input']}/x") != host_of(row["output"])
    ]
    assert len(vectors) == count
    assert differing == []


def host_of(output: str | None) -> str | None:
    # Where a name is an address, the vectors about names stop before that is seen.
    host = without_surplus_dots(output)
    return canonical_host(f"https://{host}/") if host else None


def test_registrable_domains_agree_with_the_public_suffix_list() -> None:
    vectors: dict[str, str | None] = {}
    for line in (corpora("psl") / "test_psl.txt").read_text().splitlines():
        if case := re.fullmatch(r"checkPublicSuffix\('(.+)', (.+)\);", line):
            vectors[case[1]] = None if case[2] == "null" else case[2].strip("'")
    for line in (corpora("psl") / "tests.txt").read_text().splitlines():
        if re.fullmatch(r"[^/\s]\S* \S+", line):
            name, domain = line.split()
            vectors[name] = None if domain == "null" else domain
    asked = {name: domain for name, domain in vectors.items() if not name.startswith(".")}
    found = {name: registrable_domain(name.lower()) for name in asked}
    assert len(asked) == 55
    assert {name: found[name] for name in asked if found[name] != asked[name]} == PRIVATE_SUFFIXES
