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
    headers: Mapping[str, str] = field(default_factory=dict)


def for_all(path: str, status: int = 200, anonymous: int = 303, form: Mapping[str, str] | None = None) -> Row:
    return Row(path, status, status, status, status, anonymous, form or {})


def for_customers(
    path: str,
    status: int = 200,
    other: int = 404,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Row:
    """``other=status`` where everybody sees their own."""
    return Row(path, status, other, 403, 403, form=form or {}, headers=headers or {})


UPDATE = {"draft": "draft-of-account-a1", "action": "update"}


def for_account(path: str) -> Row:
    """Of one account's, and for the vendor's people."""
    return Row(path, 200, 404, 200, 200)


CASE = "/requests/SR01-000000042-4"
PIECE = "1b1f6a3e-5a0c-4a37-9b42-2f0b6a1f7f10"

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
    "GET /requests/new": for_customers("/requests/new?draft=draft-of-account-a1"),
    "POST /requests/new": for_customers("/requests/new", other=200, form=UPDATE),
    "POST /requests/new/parts": for_customers("/requests/new/parts", other=200, form=UPDATE),
    "POST /requests/new/draft": for_customers("/requests/new/draft", 204, other=204, form=UPDATE),
    "GET /requests/new/profile": for_customers("/requests/new/profile?profile_id=prof-ours"),
    "POST /requests/new/profile": for_customers("/requests/new/profile", 303, form={"profile_id": "prof-ours"}),
    "GET /reclassify": for_customers("/reclassify?draft=draft-of-account-a1"),
    "POST /reclassify": for_customers("/reclassify", other=200, form=UPDATE),
    "POST /reclassify/parts": for_customers("/reclassify/parts", other=200, form=UPDATE),
    "GET /reclassify/profile": for_customers("/reclassify/profile?profile_id=prof-ours"),
    "POST /reclassify/profile": for_customers("/reclassify/profile", 303, form={"profile_id": "prof-ours"}),
    "POST /uploads": for_customers("/uploads", 201, other=201, headers={"Upload-Length": "3", "Upload-Name": "a"}),
    "PATCH /uploads/{upload_id}": for_customers("/uploads/upload-ours", headers={"Upload-Offset": "1"}),
    "HEAD /uploads/{upload_id}": for_customers("/uploads/upload-ours"),
    "DELETE /uploads/{upload_id}": for_customers("/uploads/upload-ours", 204),
    "GET /requests": for_all("/requests"),
    "GET /requests.csv": for_all("/requests.csv"),
    "GET /threat-requests": for_all("/threat-requests"),
    "GET /threat-requests/{ref_id}": for_account("/threat-requests/REF-1"),
    "GET /operations": Row("/operations", 403, 403, 403, 200),
    "GET /operations.json": Row("/operations.json", 403, 403, 403, 200),
    "GET /requests/{sr_number}": for_account(CASE),
    "GET /requests/{sr_number}/live": for_account(f"{CASE}/live"),
    "GET /requests/{sr_number}/evidence/{piece_id}.zip": for_customers(f"{CASE}/evidence/{PIECE}.zip"),
    "POST /requests/{sr_number}/updates": for_customers(f"{CASE}/updates", 303, form={"comment": "More"}),
    "POST /requests/{sr_number}/recipients": for_customers(f"{CASE}/recipients", 303, form={"add_cc": "a@x.example"}),
    "POST /requests/{sr_number}/urgency": for_customers(f"{CASE}/urgency", 303, form={"severity": "low"}),
    "POST /requests/{sr_number}/close": for_customers(f"{CASE}/close", 303),
    "POST /requests/{sr_number}/reopen": for_customers(f"{CASE}/reopen", 303, form={"reopening": "Back"}),
    "POST /requests/{sr_number}/escalate": for_customers(
        f"{CASE}/escalate", 303, form={"type": "slow-response", "reason": "Late"}
    ),
    "GET /requests/{sr_number}/promote": for_customers(f"{CASE}/promote?evidence={PIECE}"),
    "POST /requests/{sr_number}/promote": for_customers(f"{CASE}/promote", 303, form={"evidence": PIECE}),
}
