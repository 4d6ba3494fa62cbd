"""What one file says about another must be true."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar

from caseway_catalog.catalog import Catalog, names_of
from caseway_catalog.categories import CaseRules
from caseway_catalog.entries import Entry

Key = TypeVar("Key", str, int)
LISTS = {
    "issue_types": "issue-types.yaml",
    "categories": "categories",
    "products": "products.yaml",
    "settings": "settings.yaml",
    "operating_systems": "operating-systems.yaml",
    "languages": "languages.yaml",
    "severities": "severities.yaml",
    "ratings": "ratings.yaml",
    "teams": "teams.yaml",
    "escalation_types": "escalation-types.yaml",
    "contact_methods": "contact-methods.yaml",
}
CONTACT_KEYS = ("phone", "preferred_time")


def broken_references(catalog: Catalog) -> Iterator[str]:
    yield from repeated_names(catalog)
    yield from broken_in_issue_types(catalog)
    yield from broken_in_categories(catalog)
    yield from broken_in_products(catalog)
    yield from broken_in_routing(catalog)
    yield from broken_in_ratings(catalog)
    for method in catalog.contact_methods:
        yield from unknown(f"contact-methods.yaml: {method.slug}: requires", method.requires, CONTACT_KEYS)


def repeated_names(catalog: Catalog) -> Iterator[str]:
    for name, file in LISTS.items():
        for slug in repeated(slugs(getattr(catalog, name))):
            yield f"{file}: slug: {slug!r} stands twice"
    for file, entries in (("categories", catalog.categories), ("products.yaml", catalog.products)):
        for alias in repeated(alias for entry in entries for alias in names_of(entry)):
            yield f"{file}: label or aliases: {alias!r} names two entries"
    for number in repeated(number for group in catalog.url_category_groups for number in group.categories):
        yield f"url-categories.yaml: categories: {number} stands twice"


def broken_in_issue_types(catalog: Catalog) -> Iterator[str]:
    if sum(issue_type.default for issue_type in catalog.issue_types) != 1:
        yield "issue-types.yaml: default: exactly one issue type is the default"
    for issue_type in catalog.issue_types:
        where = f"issue-types.yaml: {issue_type.slug}"
        yield from unknown(f"{where}: products", issue_type.products or (), slugs(catalog.products))
        if issue_type.rules is not None:
            yield from broken_rules(f"{where}: rules", issue_type.rules, catalog)


def broken_in_categories(catalog: Catalog) -> Iterator[str]:
    with_categories = [issue_type.slug for issue_type in catalog.issue_types if issue_type.takes_category]
    for category in catalog.categories:
        where = f"categories/{category.slug}.yaml"
        yield from unknown(f"{where}: issue_type", (category.issue_type,), with_categories)
        yield from unknown(f"{where}: products", category.products or (), slugs(catalog.products))
        yield from broken_rules(where, category, catalog)


def broken_rules(where: str, rules: CaseRules, catalog: Catalog) -> Iterator[str]:
    yield from unknown(f"{where}: routing.team", (rules.routing.team,), slugs(catalog.teams))
    evidence = rules.evidence
    for kind in repeated(evidence.attachment_kinds):
        yield f"{where}: evidence.attachments: {kind!r} stands twice"
    if any(rule.max > catalog.limits.files_per_case for rule in evidence.attachments):
        yield f"{where}: evidence.attachments: max is above limits.yaml: files_per_case"
    if evidence.urls is not None:
        if not evidence.urls.min <= evidence.urls.max <= catalog.limits.urls_per_case:
            yield f"{where}: evidence.urls: min, max and limits.yaml: urls_per_case must be in order"
        wanted = evidence.urls.requested_ratings
        yield from unknown(f"{where}: evidence.urls.requested_ratings", wanted, slugs(catalog.ratings))


def broken_in_products(catalog: Catalog) -> Iterator[str]:
    for product in catalog.products:
        where = f"products.yaml: {product.slug}"
        yield from unknown(f"{where}: operating_systems", product.operating_systems, slugs(catalog.operating_systems))
        yield from unknown(f"{where}: languages", product.languages, slugs(catalog.languages))
        yield from unknown(f"{where}: settings", product.settings, slugs(catalog.settings))
        for version in repeated(product.versions):
            yield f"{where}: versions: {version!r} stands twice"


def broken_in_routing(catalog: Catalog) -> Iterator[str]:
    for rule in catalog.routing:
        where = f"routing.yaml: {rule.name}"
        yield from unknown(f"{where}: team", (rule.team,), slugs(catalog.teams))
        yield from unknown(f"{where}: when.issue_types", rule.when.issue_types, slugs(catalog.issue_types))
        yield from unknown(f"{where}: when.categories", rule.when.categories, slugs(catalog.categories))
        yield from unknown(f"{where}: when.products", rule.when.products, slugs(catalog.products))


def broken_in_ratings(catalog: Catalog) -> Iterator[str]:
    for score in range(101):
        held = [rating.slug for rating in catalog.ratings if rating.exactly is None and rating.holds(score)]
        if len(held) != 1:
            yield f"ratings.yaml: min and max: the score {score} is held by {len(held)} bands"
            return


def slugs(entries: Iterable[Entry]) -> list[str]:
    return [entry.slug for entry in entries]


def unknown(where: str, named: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    listed = set(known)
    for name in named:
        if name not in listed:
            yield f"{where}: there is no {name!r}"


def repeated(names: Iterable[Key]) -> list[Key]:
    return [name for name, times in Counter(names).items() if times > 1]
