from collections.abc import Callable
from typing import Any

import pytest

from caseway_catalog import Catalog, check_kinds, check_submission

Make = Callable[..., dict[str, Any]]
FILE = {"upload_id": "upload-1"}
URL = {"url": "http://site.example/"}


@pytest.mark.parametrize(
    ("category", "changes", "faults"),
    [
        ("threat-inquiry", {"attachments": [FILE]}, {"/attachments": "evidence.not_accepted"}),
        ("threat-inquiry", {"urls": [URL]}, {"/urls": "evidence.not_accepted"}),
        ("file-false-positive", {"attachments": []}, {"/attachments": "evidence.missing"}),
        ("spam", {"attachments": []}, {"/attachments": "evidence.missing"}),
        ("collected-threat-sample-analysis", {"attachments": []}, {"/attachments": "evidence.missing"}),
        ("collected-threat-sample-analysis", {"attachments": [], "urls": [URL]}, {}),
        ("infected-or-possibly-infected", {"attachments": []}, {}),
        ("url-reclassification", {"urls": []}, {"/urls": "evidence.missing"}),
        ("url-reclassification", {"urls": [URL] * 10}, {}),
        ("url-reclassification", {"urls": [URL] * 11}, {"/urls": "urls.too_many"}),
        ("url-reclassification", {"urls": ["http://site.example"]}, {"/urls/0": "choice.invalid"}),
        ("url-reclassification", {"urls": [{"url": " "}]}, {"/urls/0/url": "required"}),
        ("url-reclassification", {"urls": [{"url": "x" * 2049}]}, {"/urls/0/url": "text.too_long"}),
        ("url-reclassification", {"urls": [{"url": "nonsense"}]}, {"/urls/0/url": "url.invalid"}),
        ("url-reclassification", {"urls": [{**URL, "requested_rating": "safe", "requested_categories": [21]}]}, {}),
        (
            "url-reclassification",
            {"urls": [{**URL, "requested_rating": "untested"}]},
            {"/urls/0/requested_rating": "choice.invalid"},
        ),
        (
            "url-reclassification",
            {"urls": [{**URL, "requested_categories": [21, True, 96]}]},
            {"/urls/0/requested_categories/1": "choice.invalid", "/urls/0/requested_categories/2": "choice.invalid"},
        ),
        (
            "url-reclassification",
            {"urls": [{**URL, "requested_categories": [21] * 88}]},
            {"/urls/0/requested_categories": "choice.invalid"},
        ),
        (
            "collected-threat-sample-analysis",
            {"urls": [{**URL, "requested_rating": "safe"}]},
            {"/urls/0/requested_rating": "field.unknown"},
        ),
        ("product-issues", {"attachments": [FILE] * 21}, {"/attachments": "evidence.not_accepted"}),
        ("product-issues", {"attachments": "x"}, {"/attachments": "choice.invalid"}),
        ("product-issues", {"attachments": [1]}, {"/attachments/0": "choice.invalid"}),
        ("product-issues", {"attachments": [{}]}, {"/attachments/0/upload_id": "required"}),
        ("product-issues", {"attachments": [{**FILE, "name": "x"}]}, {"/attachments/0/name": "field.unknown"}),
        (
            "product-issues",
            {"attachments": [{**FILE, "password": "p" * 1025}]},
            {"/attachments/0/password": "text.too_long"},
        ),
        ("product-issues", {"attachments": [{**FILE, "password": "infected"}]}, {}),
    ],
)
def test_evidence_is_checked_against_the_manifest(
    catalog: Catalog,
    make_submission: Make,
    make_profile: Make,
    category: str,
    changes: dict[str, Any],
    faults: dict[str, str],
) -> None:
    errors = check_submission(
        catalog,
        make_submission(category, **changes),
        make_profile(),
        check_url=lambda url: None if url.startswith("http") else "This is not a URL.",
    )
    assert {error.field: error.code for error in errors} == faults


@pytest.mark.parametrize(
    ("category", "kinds", "faults"),
    [
        ("spam", ["email", "email"], {}),
        ("spam", ["email", "file"], {"/attachments/1": "evidence.not_accepted"}),
        ("spam", [], {"/attachments": "evidence.missing"}),
        ("file-false-positive", ["attk_log"], {"/attachments/0", "/attachments"}),
        ("infected-or-possibly-infected", ["file", "attk_log"], {}),
        ("product-issues", ["file"] * 21, {"/attachments": "evidence.not_accepted"}),
        ("product-issues", ["memory_dump"], {"/attachments/0": "evidence.not_accepted"}),
    ],
)
def test_kinds_are_checked_after_the_peek(
    catalog: Catalog, category: str, kinds: list[str], faults: dict[str, str] | set[str]
) -> None:
    errors = {error.field: error.code for error in check_kinds(catalog.category(category), kinds)}
    assert errors == faults or set(errors) == faults


def test_evidence_added_later_needs_no_minimum(catalog: Catalog) -> None:
    assert check_kinds(catalog.category("spam"), [], adding=True) == []


def test_refused_kind_says_what_is_taken(catalog: Catalog) -> None:
    [error] = check_kinds(catalog.category("collected-threat-sample-analysis"), ["memory_dump"])
    assert error.message == "This request takes no memory dump."
    assert error.help == "It takes files, e-mails, ATTK logs, URLs; choose another category for anything else."
