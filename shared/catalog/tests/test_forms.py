from collections.abc import Callable
from typing import Any

import pytest

from caseway_catalog import Catalog, check_submission, check_update

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def faults(catalog: Catalog, make_profile: Make, make_submission: Make) -> Callable[..., dict[str, str]]:
    """Field and code of what is wrong when these keys of an accepted submission are changed."""

    def check(base: str | None = "product-issues", product: str = "officescan", **changes: object) -> dict[str, str]:
        submission = {**make_submission(base), **changes}
        errors = check_submission(catalog, submission, make_profile(product=product))
        assert all(error.message for error in errors)
        return {error.field: error.code for error in errors}

    return check


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"profile_id": None}, "/profile_id", "required"),
        ({"profile_id": "p" * 65}, "/profile_id", "text.too_long"),
        ({"profile_revision": "1"}, "/profile_revision", "choice.invalid"),
        ({"profile_revision": True}, "/profile_revision", "choice.invalid"),
        ({"profile_revision": 10**30}, "/profile_revision", "choice.invalid"),
        ({"affected_operating_systems": []}, "/affected_operating_systems", "required"),
        ({"affected_operating_systems": "windows-10"}, "/affected_operating_systems", "choice.invalid"),
        ({"affected_operating_systems": [7]}, "/affected_operating_systems/0", "choice.invalid"),
        (
            {"affected_operating_systems": ["windows-10", "ubuntu"]},
            "/affected_operating_systems/1",
            "choice.not_in_profile",
        ),
        ({"affected_operating_systems": ["windows-10"] * 99}, "/affected_operating_systems", "choice.invalid"),
        ({"issue_type": None}, "/issue_type", "required"),
        ({"issue_type": "other"}, "/issue_type", "choice.invalid"),
        ({"issue_type": "change-control"}, "/issue_type", "choice.invalid"),
        ({"category": None}, "/category", "required"),
        ({"category": "spam"}, "/category", "choice.invalid"),
        ({"category": ["spam"]}, "/category", "choice.invalid"),
        ({"category": "digital-vaccine-filter"}, "/category", "choice.invalid"),
        ({"subject": " \n"}, "/subject", "required"),
        ({"subject": "s" * 256}, "/subject", "text.too_long"),
        ({"subject": 1}, "/subject", "choice.invalid"),
        ({"subject": "lone \ud800"}, "/subject", "choice.invalid"),
        ({"description": None}, "/description", "required"),
        ({"description": "d" * 32_001}, "/description", "text.too_long"),
        ({"severity": None}, "/severity", "required"),
        ({"severity": "urgent"}, "/severity", "choice.invalid"),
        ({"severity": "high"}, "/business_impact", "required"),
        ({"severity": "critical", "business_impact": "  "}, "/business_impact", "required"),
        ({"business_impact": "b" * 32_001}, "/business_impact", "text.too_long"),
        ({"cc": "a@site.example"}, "/cc", "choice.invalid"),
        ({"cc": ["a@site.example", "nobody"]}, "/cc/1", "address.invalid"),
        ({"cc": ["a@site.example\r\nBcc: b@site.example"]}, "/cc/0", "address.invalid"),
        ({"cc": [None]}, "/cc/0", "address.invalid"),
        ({"cc": ["a@site.example"] * 51}, "/cc", "address.invalid"),
        ({"contact": None}, "/contact", "required"),
        ({"contact": "email"}, "/contact", "choice.invalid"),
        ({"contact": {}}, "/contact/method", "required"),
        ({"contact": {"method": "fax"}}, "/contact/method", "choice.invalid"),
        ({"contact": {"method": "phone", "preferred_time": "9-17"}}, "/contact/phone", "required"),
        ({"contact": {"method": "phone", "phone": "+1 555 0100"}}, "/contact/preferred_time", "required"),
        ({"contact": {"method": "email", "fax": "1"}}, "/contact/fax", "field.unknown"),
        ({"catalog_version": 3}, "/catalog_version", "choice.invalid"),
        ({"status": "closed"}, "/status", "field.unknown"),
        ({"a/b~\ud800": 1}, "/a~1b~0?", "field.unknown"),
        ({"fields": []}, "/fields", "choice.invalid"),
        ({"fields": {"virus_pattern_type": "virus-pattern-opr"}}, "/fields/virus_pattern_type", "field.unknown"),
    ],
)
def test_fault_is_named(faults: Callable[..., dict[str, str]], changes: dict[str, Any], field: str, code: str) -> None:
    assert faults(**changes) == {field: code}


def test_every_fault_is_named_at_once(faults: Callable[..., dict[str, str]]) -> None:
    assert faults(subject="", severity="high", category="nothing") == {
        "/subject": "required",
        "/business_impact": "required",
        "/category": "choice.invalid",
    }


def test_change_control_is_accepted_for_deep_security(faults: Callable[..., dict[str, str]]) -> None:
    assert faults(None, "deep-security") == {}


def test_change_control_takes_no_category(faults: Callable[..., dict[str, str]]) -> None:
    assert faults(None, "deep-security", category="product-issues") == {"/category": "choice.invalid"}


def test_business_impact_goes_with_a_high_severity(faults: Callable[..., dict[str, str]]) -> None:
    assert faults(severity="high", business_impact="Nobody can work.") == {}


def test_phone_goes_with_a_time(faults: Callable[..., dict[str, str]]) -> None:
    assert faults(contact={"method": "phone", "phone": "+1 555 0100", "preferred_time": "9-17"}) == {}


def test_lists_may_be_left_out(catalog: Catalog, make_profile: Make, make_submission: Make) -> None:
    submission = make_submission("product-issues")
    for key in ("cc", "fields", "attachments", "urls"):
        del submission[key]
    assert check_submission(catalog, submission, make_profile()) == []


@pytest.mark.parametrize("address", ["name@site.example", "name@mail.corp.local", "name@site.test", "a@bücher.example"])
def test_recipient_is_accepted(faults: Callable[..., dict[str, str]], address: str) -> None:
    assert faults(cc=[address]) == {}


def test_help_names_the_way_out(catalog: Catalog, make_profile: Make, make_submission: Make) -> None:
    submission = {**make_submission("product-issues"), "category": "threatdv-filter"}
    [error] = check_submission(catalog, submission, make_profile())
    assert error.message == "ThreatDV Filter is not offered for this product."
    assert error.help == "Choose a profile of TippingPoint ThreatDV."


def test_without_a_profile_the_product_is_not_judged(catalog: Catalog, make_submission: Make) -> None:
    assert check_submission(catalog, make_submission("threatdv-filter"), None) == []


@pytest.mark.parametrize(
    ("update", "known", "faults"),
    [
        ({"comment": "More."}, False, {}),
        ({"severity": "high"}, True, {}),
        ({"severity": "high"}, False, {"/business_impact": "required"}),
        ({"business_impact": "Worse."}, False, {}),
        ({}, False, {"": "required"}),
        ({"comment": "c" * 32_001}, False, {"/comment": "text.too_long"}),
        ({"add_cc": ["x"]}, False, {"/add_cc/0": "address.invalid"}),
        ({"comment": "Away.", "status": "closed"}, False, {"/status": "field.unknown"}),
        ({"urls": [{"url": "http://site.example"}]}, False, {"/urls": "evidence.not_accepted"}),
    ],
)
def test_update_is_checked(catalog: Catalog, update: dict[str, Any], known: bool, faults: dict[str, str]) -> None:
    rules = catalog.rules("threat", "spam")
    errors = check_update(catalog, update, rules, business_impact_known=known)
    assert {error.field: error.code for error in errors} == faults
