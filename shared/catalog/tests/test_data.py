from collections.abc import Callable
from typing import Any

import pytest

from caseway_catalog import Catalog, check_kinds, check_submission

CATEGORIES = {
    "product": {
        "product-issues",
        "activation-and-registration-issues",
        "digital-vaccine-filter",
        "threatdv-filter",
    },
    "threat": {
        "infected-or-possibly-infected",
        "file-false-positive",
        "collected-threat-sample-analysis",
        "threat-inquiry",
        "spam",
        "spam-false-positive",
        "url-reclassification",
    },
}
EVERY_CATEGORY = sorted(slug for slugs in CATEGORIES.values() for slug in slugs)


@pytest.mark.parametrize("issue_type", CATEGORIES)
def test_every_promised_category_stands_under_its_issue_type(catalog: Catalog, issue_type: str) -> None:
    found = {category.slug for category in catalog.categories if category.issue_type == issue_type}
    assert found == CATEGORIES[issue_type]


@pytest.mark.parametrize("slug", EVERY_CATEGORY)
def test_every_category_accepts_its_own_example(
    catalog: Catalog,
    make_submission: Callable[..., dict[str, Any]],
    make_profile: Callable[..., dict[str, Any]],
    slug: str,
) -> None:
    profile = make_profile(product=(catalog.category(slug).products or ("officescan",))[0])
    assert check_submission(catalog, make_submission(slug), profile) == []


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Virus False Positive", "file-false-positive"),
        ("file false positive", "file-false-positive"),
        ("Infected or Positive Infected", "infected-or-possibly-infected"),
        ("Infected or possibly infected", "infected-or-possibly-infected"),
        ("spam", "spam"),
    ],
)
def test_category_is_found_by_the_names_of_both_documents(catalog: Catalog, name: str, slug: str) -> None:
    found = catalog.category_named(name)
    assert found is not None
    assert found.slug == slug


def test_change_control_is_for_deep_security_and_takes_no_category(catalog: Catalog) -> None:
    change_control = catalog.issue_type("change-control")
    assert change_control.products == ("deep-security",)
    assert not change_control.takes_category


def test_only_officescan_has_a_toolbox_guid(catalog: Catalog) -> None:
    assert [product.slug for product in catalog.products if product.toolbox_guid] == ["officescan"]


def test_virus_pattern_types_are_those_promised(catalog: Catalog) -> None:
    offered = {
        slug: field.model_dump()["enum"]
        for slug in EVERY_CATEGORY
        if (field := catalog.category(slug).form.fields.get("virus_pattern_type"))
    }
    assert set(offered) == {
        "infected-or-possibly-infected",
        "file-false-positive",
        "collected-threat-sample-analysis",
    }
    assert set(offered.values()) == {("smart-scan-agent-pattern", "virus-pattern-opr", "virus-pattern-cpr")}


@pytest.mark.parametrize(
    ("score", "rating"),
    [
        (0, "dangerous"),
        (50, "dangerous"),
        (51, "highly-suspicious"),
        (65, "highly-suspicious"),
        (66, "suspicious"),
        (70, "suspicious"),
        (71, "untested"),
        (72, "suspicious"),
        (80, "suspicious"),
        (81, "safe"),
        (100, "safe"),
    ],
)
def test_score_falls_into_its_band(catalog: Catalog, score: int, rating: str) -> None:
    assert catalog.rating_for(score) == rating


@pytest.mark.parametrize("score", [-1, 101])
def test_score_outside_the_scale_has_no_rating(catalog: Catalog, score: int) -> None:
    with pytest.raises(ValueError, match="No rating"):
        catalog.rating_for(score)


def test_url_categories_have_their_numbers(catalog: Catalog) -> None:
    assert len(catalog.url_categories) == 87
    assert catalog.url_categories[78].name == "Virus (Malware) Accomplice"
    assert catalog.url_categories[95].group == "Internet Security"


def test_original_mails_are_required_in_the_spam_categories_alone(catalog: Catalog) -> None:
    required = {entry.slug for entry in catalog.categories if entry.evidence.original_mails_in_protected_zip}
    assert required == {"spam", "spam-false-positive"}
    assert check_kinds(catalog.category("spam"), ["email"]) == []


def test_sample_passwords_are_tried_in_order(catalog: Catalog) -> None:
    assert catalog.samples.passwords == ("infected", "virus", "novirus")


def test_public_catalogue_hides_teams_and_routing(catalog: Catalog) -> None:
    public = catalog.public()
    assert set(public) == {
        "version",
        "issue_types",
        "categories",
        "products",
        "settings",
        "operating_systems",
        "languages",
        "severities",
        "url_categories",
        "escalation_types",
        "contact_methods",
        "limits",
        "ratings",
    }
    assert "'routing':" not in str(public)
    assert "'source':" not in str(public)


def test_public_form_keeps_the_names_of_json_schema(catalog: Catalog) -> None:
    [category] = [entry for entry in catalog.public()["categories"] if entry["slug"] == "threatdv-filter"]
    entries = category["form"]["fields"]["repdv_entries"]
    assert entries["maxItems"] == 100
    assert entries["x-ui"] == {"widget": "table"}
    assert {"fields": ["threat"], "when": "request_kind", "in": ["new-filter"]} in category["form"]["show-when"]
