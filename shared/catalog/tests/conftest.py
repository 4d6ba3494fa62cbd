from collections.abc import Callable
from typing import Any

import pytest

from caseway_catalog import Catalog, Category, load

Body = dict[str, Any]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load()


@pytest.fixture(scope="session")
def make_profile() -> Callable[..., Body]:
    def make(**changes: object) -> Body:
        profile: Body = {
            "name": "Head office",
            "product": "officescan",
            "version": "XG",
            "operating_systems": ["windows-10", "windows-server-2016"],
            "language": "en",
            "activation_code": "AC-1",
            "settings": ["web-reputation"],
        }
        return {**profile, **changes}

    return make


@pytest.fixture(scope="session")
def make_submission(catalog: Catalog) -> Callable[..., Body]:
    """The least that a category accepts."""

    def make(category: str | None = "product-issues", **changes: object) -> Body:
        entry: Category | None = catalog.category(category) if category else None
        evidence = catalog.rules("change-control", None).evidence if entry is None else entry.evidence
        files = max(sum(rule.min for rule in evidence.attachments), evidence.min_total)
        submission: Body = {
            "profile_id": "profile-1",
            "affected_operating_systems": ["windows-10"],
            "issue_type": entry.issue_type if entry else "change-control",
            "category": category,
            "subject": "A subject",
            "description": "A description",
            "severity": "low",
            "cc": [],
            "contact": {"method": "email"},
            "fields": entry.example if entry else {},
            "attachments": [{"upload_id": f"upload-{number}"} for number in range(files)],
            "urls": [{"url": "http://site.example/"}] * (evidence.urls.min if evidence.urls else 0),
        }
        return {**submission, **changes}

    return make
