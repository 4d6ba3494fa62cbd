"""What a customer may hand in: issue types, categories, the evidence that they take."""

from typing import Annotated, Self

from pydantic import Field, computed_field, model_validator

from caseway_catalog.entries import Data, Entry, Kind, Label, Slug, Verdict
from caseway_catalog.form_schema import Form


class AttachmentRule(Data):
    """How many attachments of a kind a category takes."""

    kind: Kind
    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def has_room(self) -> Self:
        if self.kind == "url":
            raise ValueError("URLs are typed, not attached; they have a rule of their own")
        if self.min > self.max:
            raise ValueError("min is greater than max")
        return self


class UrlRule(Data):
    """How many typed URLs a category takes, and what may be asked for them."""

    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=1)]
    requested_ratings: tuple[Slug, ...] = ()
    requested_categories: bool = False


class EvidenceRules(Data):
    """Which evidence a category takes.

    ``also_susceptible`` adds to the types of files that are never taken bare.
    """

    attachments: tuple[AttachmentRule, ...] = ()
    urls: UrlRule | None = None
    min_total: Annotated[int, Field(ge=0)] = 0
    refuse_bare_susceptible: bool = True
    also_susceptible: tuple[Slug, ...] = ()
    original_mails_in_protected_zip: bool = False

    @property
    def attachment_kinds(self) -> tuple[str, ...]:
        return tuple(rule.kind for rule in self.attachments)


class RoutingDefault(Data):
    """Who gets the case unless a routing rule says otherwise, and which worst verdict makes it more urgent.

    Where every verdict is one of ``answered_by``, the analysis has answered the case and nobody needs to.
    """

    team: Slug
    raise_priority_when: tuple[Verdict, ...] = ()
    answered_by: tuple[Verdict, ...] = ()


class CaseRules(Data):
    """What a category, or an issue type that has none, asks for and who gets it."""

    form: Form = Form()
    evidence: EvidenceRules
    routing: Annotated[RoutingDefault, Field(exclude=True)]


class Category(CaseRules, Entry):
    """One manifest: what a customer may ask under this name. Without ``products`` it is offered for all."""

    aliases: tuple[Label, ...] = ()
    issue_type: Slug
    order: int
    help: str = ""
    products: tuple[Slug, ...] | None = None
    example: Annotated[dict[str, object], Field(description="Answers to the form that are accepted")]

    def offered_for(self, product: str | None) -> bool:
        return self.products is None or product is None or product in self.products


class IssueType(Entry):
    """The first choice of the form. One with rules of its own takes no category."""

    default: bool = False
    products: tuple[Slug, ...] | None = None
    rules: CaseRules | None = None

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorator above @property
    @property
    def takes_category(self) -> bool:
        return self.rules is None

    def offered_for(self, product: str | None) -> bool:
        return self.products is None or product is None or product in self.products
