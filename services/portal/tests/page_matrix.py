"""What each page answers to whom. A page route that has no row here fails a test.

Each row asks for something of account a1: a customer of a2 must find it absent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

PEOPLE = {
    "anonymous": None,
    "customer": "customer@a1",
    "other": "customer@a2",
    "analyst": "analyst@vendor",
    "operator": "operator@vendor",
}


@dataclass(frozen=True)
class Row:
    """The address to ask, what to post there, and the status for each person."""

    path: str
    customer: int
    other: int
    analyst: int
    operator: int
    anonymous: int = 303
    form: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


def for_all(path: str, status: int = 200, anonymous: int = 303, form: Mapping[str, str] | None = None) -> Row:
    return Row(path, status, status, status, status, anonymous, form or {})


def for_customers(path: str, status: int = 200, other: int = 404, form: Mapping[str, str] | None = None) -> Row:
    """``other=status`` where everybody sees their own."""
    return Row(path, status, other, 403, 403, form=form or {})


ROWS: dict[str, Row] = {
    "GET /": for_all("/"),
    "GET /static/{name}": for_all("/static/base.css", anonymous=200),
    "GET /sign-in": for_all("/sign-in", 303, anonymous=200),
    "POST /sign-in": for_all("/sign-in", 422, anonymous=422),
    "POST /sign-out": for_all("/sign-out", 303),
    "POST /theme": for_all("/theme", 303, form={"theme": "dark", "back": "/"}),
    "GET /profile": for_all("/profile"),
    "POST /profile": for_customers("/profile", 303, other=303),
    "GET /contacts": for_all("/contacts"),
    "GET /products": for_customers("/products", other=200),
    "GET /products/new": for_customers("/products/new", other=200),
    "POST /products/new": for_customers("/products/new", 303, other=303),
    "GET /products/{profile_id}": for_customers("/products/prof-ours"),
    "POST /products/{profile_id}": for_customers("/products/prof-ours", 303),
    "GET /products/{profile_id}/delete": for_customers("/products/prof-ours/delete"),
    "POST /products/{profile_id}/delete": for_customers("/products/prof-ours/delete", 303),
}
