"""What a customer chooses first: operating systems of the profile, issue type, category."""

from collections.abc import Iterator, Mapping
from typing import Any

from caseway_catalog.catalog import Catalog
from caseway_catalog.categories import CaseRules, IssueType
from caseway_catalog.field_errors import FieldError, check_choice, is_blank, missing, must_be_list, one_of


def check_operating_systems(catalog: Catalog, value: object, profile: Mapping[str, Any] | None) -> Iterator[FieldError]:
    at, label = "/affected_operating_systems", "Affected Operating Systems"
    known = [entry.slug for entry in catalog.operating_systems]
    listed = profile.get("operating_systems") if profile is not None else known
    offered = [slug for slug in known if isinstance(listed, list | tuple) and slug in listed]
    if value is None or value == []:
        if offered:
            yield missing(at, label, one_of(offered))
    elif not isinstance(value, list | tuple):
        yield must_be_list(at, label)
    elif len(value) > len(known):
        message = f"{label} names more than there are."
        yield FieldError(field=at, code="choice.invalid", message=message, help=one_of(offered))
    else:
        for index, slug in enumerate(value):
            yield from check_operating_system(slug, f"{at}/{index}", offered, in_profile=profile is not None)


def check_operating_system(slug: object, at: str, offered: list[str], *, in_profile: bool) -> Iterator[FieldError]:
    if not in_profile or not isinstance(slug, str) or is_blank(slug):
        yield from check_choice(slug, at, "The operating system", offered)
    elif slug not in offered:
        message = "The product profile does not have this operating system."
        help_text = f"{one_of(offered)} Or add it to the profile.".strip()
        yield FieldError(field=at, code="choice.not_in_profile", message=message, help=help_text)


def chosen_rules(
    catalog: Catalog, submission: Mapping[str, Any], profile: Mapping[str, Any] | None
) -> tuple[CaseRules | None, list[FieldError]]:
    """The rules of the chosen issue type and category, or what is wrong with the choice."""
    product = profile.get("product") if profile is not None else None
    product = product if isinstance(product, str) else None
    offered = {entry.slug: entry for entry in catalog.issue_types if entry.offered_for(product)}
    value = submission.get("issue_type")
    if errors := list(check_choice(value, "/issue_type", "Issue Type", offered)):
        return None, errors
    issue_type = offered[str(value)]
    if issue_type.rules is None:
        return chosen_category(catalog, submission.get("category"), issue_type, product)
    if submission.get("category") is None:
        return issue_type.rules, []
    message = f"{issue_type.label} takes no Issue Category."
    return None, [FieldError(field="/category", code="choice.invalid", message=message, help="Leave it empty.")]


def chosen_category(
    catalog: Catalog, value: object, issue_type: IssueType, product: str | None
) -> tuple[CaseRules | None, list[FieldError]]:
    categories = {entry.slug: entry for entry in catalog.categories if entry.issue_type == issue_type.slug}
    offered = [slug for slug, category in categories.items() if category.offered_for(product)]
    errors = list(check_choice(value, "/category", "Issue Category", offered))
    if not errors:
        return categories[str(value)], []
    if isinstance(value, str) and value in categories:
        wanted = ", ".join(catalog.product(slug).label for slug in categories[value].products or ())
        message = f"{categories[value].label} is not offered for this product."
        help_text = f"Choose a profile of {wanted}."
        errors = [FieldError(field="/category", code="choice.invalid", message=message, help=help_text)]
    return None, errors
