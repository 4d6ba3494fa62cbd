import pytest

from caseway_catalog import Catalog, UnknownEntry

INQUIRY = {"issue_type": "threat", "category": "threat-inquiry", "product": "officescan", "severity": "medium"}


@pytest.mark.parametrize(
    ("facts", "team", "priority", "rule"),
    [
        ({}, "threat-research", 3, "default"),
        ({"severity": "critical"}, "threat-research", 1, "default"),
        ({"category": "spam"}, "mail-security", 3, "default"),
        ({"category": "spam-false-positive"}, "mail-security", 3, "default"),
        (
            {"category": "spam-false-positive", "worst_verdict": "malicious"},
            "threat-research",
            2,
            "malware-passed-as-good-mail",
        ),
        (
            {"category": "collected-threat-sample-analysis", "worst_verdict": "malicious"},
            "threat-research",
            2,
            "default",
        ),
        (
            {"category": "infected-or-possibly-infected", "worst_verdict": "malicious", "severity": "critical"},
            "threat-research",
            1,
            "infection-confirmed",
        ),
        ({"issue_type": "product", "category": "product-issues"}, "technical-support", 3, "default"),
        (
            {"issue_type": "product", "category": "product-issues", "product": "deep-security"},
            "server-security",
            3,
            "server-products",
        ),
        (
            {"issue_type": "change-control", "category": None, "product": "deep-security"},
            "server-security",
            3,
            "default",
        ),
    ],
)
def test_case_goes_to_the_team_that_can_resolve_it(
    catalog: Catalog, facts: dict[str, str], team: str, priority: int, rule: str
) -> None:
    route = catalog.route(**{**INQUIRY, **facts})
    assert (route.team, route.priority, route.rule) == (team, priority, rule)


def test_unknown_category_is_named(catalog: Catalog) -> None:
    with pytest.raises(UnknownEntry, match="no category 'gone'"):
        catalog.route(**{**INQUIRY, "category": "gone"})
