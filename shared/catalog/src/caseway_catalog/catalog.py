"""The catalogue as one immutable value."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from caseway_catalog import hours, ratings
from caseway_catalog.categories import CaseRules, Category, IssueType
from caseway_catalog.entries import Data, Entry, UnknownEntry
from caseway_catalog.products import ContactMethod, Language, Limits, OperatingSystem, Product, ProductSetting, Samples
from caseway_catalog.ratings import Rating, UrlCategory, UrlCategoryGroup
from caseway_catalog.teams import EscalationType, Route, RoutingRule, Severity, Target, Team

EntryT = TypeVar("EntryT", bound=Entry)

PUBLIC_LISTS = (
    "issue_types",
    "categories",
    "products",
    "settings",
    "operating_systems",
    "languages",
    "severities",
    "escalation_types",
    "contact_methods",
    "ratings",
)


class Catalog(Data):
    """What may be asked, for which products, with which form, and who answers."""

    issue_types: tuple[IssueType, ...]
    categories: tuple[Category, ...]
    products: tuple[Product, ...]
    settings: tuple[ProductSetting, ...]
    operating_systems: tuple[OperatingSystem, ...]
    languages: tuple[Language, ...]
    severities: tuple[Severity, ...]
    url_category_groups: tuple[UrlCategoryGroup, ...]
    ratings: tuple[Rating, ...]
    teams: tuple[Team, ...]
    routing: tuple[RoutingRule, ...]
    escalation_types: tuple[EscalationType, ...]
    contact_methods: tuple[ContactMethod, ...]
    limits: Limits
    samples: Samples

    def __repr__(self) -> str:
        return f"Catalog({self.version})"

    def issue_type(self, slug: str) -> IssueType:
        return find(self.issue_types, slug, "issue type")

    def category(self, slug: str) -> Category:
        return find(self.categories, slug, "category")

    def product(self, slug: str) -> Product:
        return find(self.products, slug, "product")

    def severity(self, slug: str) -> Severity:
        return find(self.severities, slug, "severity")

    def team(self, slug: str) -> Team:
        return find(self.teams, slug, "team")

    def escalation_type(self, slug: str) -> EscalationType:
        return find(self.escalation_types, slug, "escalation type")

    def category_named(self, name: str) -> Category | None:
        """By slug, label or alias, whatever the case."""
        return next((category for category in self.categories if name.casefold() in names_of(category)), None)

    def product_named(self, name: str) -> Product | None:
        """By slug, label or alias, whatever the case."""
        return next((product for product in self.products if name.casefold() in names_of(product)), None)

    def rules(self, issue_type: str, category: str | None) -> CaseRules:
        """The form, the evidence rules and the routing default of what a customer chose."""
        rules = self.issue_type(issue_type).rules
        return rules if rules is not None else self.category(category or "")

    def target(self, severity: str) -> Target:
        return self.severity(severity).target

    def due_at(self, submitted_at: datetime, severity: str, team: str) -> datetime:
        return hours.due_at(submitted_at, self.target(severity), self.team(team).hours)

    def rating_for(self, score: int) -> str:
        return ratings.rating_for(self.ratings, score)

    def route(
        self,
        *,
        issue_type: str,
        category: str | None,
        product: str,
        severity: str,
        worst_verdict: str | None = None,
    ) -> Route:
        """The team and priority of a case; the same facts always give the same route."""
        priority = self.severity(severity).priority
        for rule in self.routing:
            if rule.when.hold(issue_type=issue_type, category=category, product=product, worst_verdict=worst_verdict):
                return Route(team=rule.team, priority=max(1, priority - rule.raise_priority), rule=rule.name)
        default = self.rules(issue_type, category).routing
        raised = worst_verdict in default.raise_priority_when
        return Route(team=default.team, priority=max(1, priority - raised), rule="default")

    @cached_property
    def url_categories(self) -> Mapping[int, UrlCategory]:
        return {
            number: UrlCategory(id=number, name=name, group=group.group)
            for group in self.url_category_groups
            for number, name in group.categories.items()
        }

    @cached_property
    def version(self) -> str:
        """Changes with anything that a customer can see, and with nothing else."""
        content = json.dumps(self.public_content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def public(self) -> dict[str, Any]:
        """The body of ``GET /catalog``."""
        return {"version": self.version, **self.public_content}

    @cached_property
    def public_content(self) -> dict[str, Any]:
        content: dict[str, Any] = {
            name: [entry.model_dump(mode="json", by_alias=True, exclude_none=True) for entry in getattr(self, name)]
            for name in PUBLIC_LISTS
        }
        content["url_categories"] = [entry.model_dump(mode="json") for entry in self.url_categories.values()]
        content["limits"] = self.limits.model_dump(mode="json")
        return content


def find(entries: tuple[EntryT, ...], slug: str, what: str) -> EntryT:
    for entry in entries:
        if entry.slug == slug:
            return entry
    raise UnknownEntry(what, slug)


def names_of(entry: Category | Product) -> set[str]:
    return {name.casefold() for name in (entry.slug, entry.label, *entry.aliases)}
