"""What is asked for each URL of a reclassification: typed one per line, then rated anew in a row of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.requests.typed import Row, Typed

MOST_ROWS = 50


@dataclass(frozen=True)
class UrlRow:
    number: int
    url: str
    requested_rating: str
    requested_categories: tuple[str, ...]
    current: Mapping[str, Any] | None = None
    """Its answer of the look-up: a rating, or an error."""


def url_rows(typed: Typed, looked_up: Mapping[str, Mapping[str, Any]] | None = None) -> list[UrlRow]:
    """A row a line, with what was chosen before for the same URL."""
    chosen = {_one(row, "url"): row for row in typed.rows("urls")}
    rows = []
    for number, url in enumerate(typed.lines("urls")[:MOST_ROWS]):
        row = chosen.get(url, {})
        categories = tuple(one for one in row.get("requested_categories", ()) if one)
        current = (looked_up or {}).get(url)
        rows.append(UrlRow(number, url, _one(row, "requested_rating"), categories, current))
    return rows


def with_url_rows(typed: Typed) -> Typed:
    rows: list[Row] = [
        {
            "url": (row.url,),
            "requested_rating": (row.requested_rating,),
            "requested_categories": row.requested_categories,
        }
        for row in url_rows(typed)
    ]
    return typed.with_rows("urls", rows)


def stated_urls(typed: Typed) -> list[dict[str, Any]]:
    """The URLs of a submission, with what is asked for each."""
    rows = {row.url: row for row in url_rows(typed)}
    return [_stated(url, rows.get(url)) for url in typed.lines("urls")]


def _stated(url: str, row: UrlRow | None) -> dict[str, Any]:
    stated: dict[str, Any] = {"url": url}
    if row is not None and row.requested_rating:
        stated["requested_rating"] = row.requested_rating
    if row is not None and row.requested_categories:
        stated["requested_categories"] = [_number(one) for one in row.requested_categories]
    return stated


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text


def _one(row: Row, key: str) -> str:
    return row[key][-1] if row.get(key) else ""
