"""The New Request form: which fields there are, and what each offers, for what has been typed so far.

Nothing here is a rule of its own: what is asked, offered and taken comes from the catalogue that intake validates with.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from caseway_catalog import CaseRules, Catalog, Category, EvidenceRules, IssueType
from caseway_catalog.form_schema import ListField
from portal.requests.reclassification import with_url_rows
from portal.requests.typed import Pair, Typed
from portal.requests.widgets import Choice, Field, fields_of

Profile = Mapping[str, Any]
NO_EVIDENCE = EvidenceRules()


@dataclass(frozen=True)
class Form:
    typed: Typed
    """What was typed, with the rows of tables numbered without gaps."""
    profile: Profile | None
    operating_systems: tuple[Choice, ...]
    issue_types: tuple[Choice, ...]
    issue_type: str
    takes_category: bool
    categories: tuple[Choice, ...]
    category: str
    """Empty until one is chosen, and where the issue type takes none."""
    rules: CaseRules | None
    help: str
    fields: tuple[Field, ...]
    severities: tuple[Choice, ...]
    asks_impact: bool
    cc: str
    contact_methods: tuple[Choice, ...]
    contact_method: str
    contact_asks: tuple[str, ...]
    kept: tuple[Pair, ...]
    """Typed before, asked no more for these choices, and there again with others."""

    @property
    def evidence(self) -> EvidenceRules:
        return self.rules.evidence if self.rules is not None else NO_EVIDENCE

    @property
    def takes_attachments(self) -> bool:
        return bool(self.evidence.attachments)

    @property
    def needs_attachment(self) -> bool:
        return any(rule.min for rule in self.evidence.attachments)

    @property
    def reclassifies(self) -> bool:
        return _reclassifies(self.rules)


def form_state(
    typed: Typed, catalog: Catalog, profile: Profile | None, recipients: Sequence[str] = (), picked: Sequence[str] = ()
) -> Form:
    """The form for what is typed; an empty one starts with the account's Case Recipients."""
    product = str(profile["product"]) if profile is not None else None
    issue_types = [one for one in catalog.issue_types if _offered(one, product)]
    issue_type = _chosen_issue_type(issue_types, typed.one("issue_type"))
    categories = _categories(catalog, issue_type, product)
    category = _chosen_category(categories, typed.one("category"), product)
    rules: CaseRules | None = issue_type.rules if issue_type.rules is not None else category
    if rules is not None:
        for name, field in rules.form.fields.items():
            if isinstance(field, ListField):
                typed = typed.with_rows(f"fields/{name}", typed.rows(f"fields/{name}"))
    cc = _cc(typed, recipients, picked)
    typed = typed.with_rows("attachments", _attached(typed)).replaced({"cc": cc, "cc_pick": ()})
    if _reclassifies(rules):
        typed = with_url_rows(typed)
    severity = next((one for one in catalog.severities if one.slug == typed.one("severity")), None)
    methods = catalog.contact_methods
    method = next((one for one in methods if one.slug == typed.one("contact/method")), methods[0])
    fields = fields_of(rules, typed) if rules is not None else ()
    form = Form(
        typed=typed,
        profile=profile,
        operating_systems=_operating_systems(catalog, profile, typed.all("affected_operating_systems")),
        issue_types=tuple(Choice(one.slug, one.label, one is issue_type) for one in issue_types),
        issue_type=issue_type.slug,
        takes_category=issue_type.rules is None,
        categories=tuple(Choice(one.slug, one.label, one is category, one.help) for one in categories),
        category=category.slug if category is not None else "",
        rules=rules,
        help=category.help if category is not None else "",
        fields=fields,
        severities=tuple(Choice(one.slug, one.label, one is severity, one.meaning) for one in catalog.severities),
        asks_impact=severity is not None and severity.needs_business_impact,
        cc=cc,
        contact_methods=tuple(Choice(one.slug, one.label, one is method) for one in methods),
        contact_method=method.slug,
        contact_asks=method.requires,
        kept=(),
    )
    return _with_kept(form)


def names_shown(form: Form) -> set[str]:
    """The names of all inputs of the form."""
    names = {"profile_id", "affected_operating_systems", "issue_type", "subject", "description", "severity", "cc"}
    names |= {"contact/method", *(f"contact/{one}" for one in form.contact_asks)}
    names |= {"category"} if form.takes_category else set()
    names |= {"business_impact"} if form.asks_impact else set()
    names |= {"urls"} if form.evidence.urls is not None else set()
    for field in form.fields:
        names.add(field.name)
        names |= {cell.name for row in field.rows for cell in row}
    names |= {name for name, _ in form.typed.pairs() if name.startswith("attachments/")}
    if form.reclassifies:
        names |= {"rated", *(name for name, _ in form.typed.pairs() if name.startswith("urls/"))}
    return names


def _reclassifies(rules: CaseRules | None) -> bool:
    urls = rules.evidence.urls if rules is not None else None
    return urls is not None and bool(urls.requested_ratings or urls.requested_categories)


def _with_kept(form: Form) -> Form:
    shown = names_shown(form)
    return replace(form, kept=tuple((name, value) for name, value in form.typed.pairs() if name not in shown and value))


def _offered(issue_type: IssueType, product: str | None) -> bool:
    # Without a profile only what every product has.
    return issue_type.products is None or (product is not None and issue_type.offered_for(product))


def _chosen_issue_type(offered: Sequence[IssueType], slug: str) -> IssueType:
    chosen = next((one for one in offered if one.slug == slug), None)
    return chosen or next((one for one in offered if one.default), offered[0])


def _categories(catalog: Catalog, issue_type: IssueType, product: str | None) -> list[Category]:
    if issue_type.rules is not None:
        return []
    found = [one for one in catalog.categories if one.issue_type == issue_type.slug]
    offered = [one for one in found if one.products is None or (product is not None and one.offered_for(product))]
    return sorted(offered, key=lambda one: one.order)


def _chosen_category(offered: Sequence[Category], slug: str, product: str | None) -> Category | None:
    if (chosen := next((one for one in offered if one.slug == slug), None)) is not None:
        return chosen
    # A product with a category of its own is asked about in that one.
    own = [one for one in offered if one.products is not None and product is not None]
    return own[0] if len(own) == 1 else None


def _operating_systems(catalog: Catalog, profile: Profile | None, chosen: Sequence[str]) -> tuple[Choice, ...]:
    of_profile = profile.get("operating_systems") or () if profile is not None else ()
    offered = [one for one in catalog.operating_systems if one.slug in of_profile]
    only = len(offered) == 1
    return tuple(Choice(one.slug, one.label, only or one.slug in chosen) for one in offered)


def _cc(typed: Typed, recipients: Iterable[str], picked: Iterable[str]) -> str:
    if "cc" not in typed:
        return "\n".join(recipients)
    text = typed.one("cc")
    known = {line.casefold() for line in typed.lines("cc")}
    fresh = [one for one in (*typed.all("cc_pick"), *picked) if one.strip() and one.casefold() not in known]
    if not fresh:
        return text
    return "\n".join([*([text.rstrip("\n")] if text.strip() else []), *dict.fromkeys(fresh)])


def _attached(typed: Typed) -> list[Any]:
    return [row for row in typed.rows("attachments") if any(one.strip() for one in row.get("upload_id", ()))]
