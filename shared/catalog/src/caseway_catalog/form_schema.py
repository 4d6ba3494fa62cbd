"""The subset of JSON Schema in which a category describes its form.

Everything has an upper bound, so that no answer can be larger than the manifest says.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from caseway_catalog.entries import Data, Label

FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]


class UiHints(Data):
    """How the page shows a field; validation ignores it."""

    widget: Literal["text", "textarea", "select", "radio", "checkbox", "number", "table"]
    labels: dict[str, str] | None = None
    placeholder: str | None = None


class Annotations(Data):
    title: Label
    description: str | None = None
    ui: Annotated[UiHints | None, Field(alias="x-ui")] = None


class TextField(Annotations):
    type: Literal["string"]
    max_length: Annotated[int | None, Field(alias="maxLength", ge=1, le=32_000)] = None
    min_length: Annotated[int | None, Field(alias="minLength", ge=0)] = None
    pattern: str | None = None
    enum: tuple[str, ...] | None = None
    format: Literal["reputation-address"] | None = None

    @field_validator("pattern")
    @classmethod
    def is_anchored(cls, pattern: str | None) -> str | None:
        # Anchored, so that a search (JSON Schema) and a full match (the page) mean the same.
        if pattern is not None and not (pattern.startswith("^") and pattern.endswith("$")):
            raise ValueError("a pattern starts with ^ and ends with $")
        re.compile(pattern or "")
        return pattern

    @model_validator(mode="after")
    def is_bounded(self) -> Self:
        if self.enum is None and self.max_length is None:
            raise ValueError("a text field needs enum or maxLength")
        labels = self.ui.labels if self.ui else None
        if self.enum is not None and labels is not None and set(labels) != set(self.enum):
            raise ValueError("x-ui labels and enum name different values")
        return self


class IntegerField(Annotations):
    type: Literal["integer"]
    minimum: int
    maximum: int


class BooleanField(Annotations):
    type: Literal["boolean"]


ScalarField = Annotated[TextField | IntegerField | BooleanField, Field(discriminator="type")]


class RowField(Annotations):
    """One row of a table."""

    type: Literal["object"]
    properties: Annotated[dict[FieldName, ScalarField], Field(min_length=1)]
    required: tuple[FieldName, ...] = ()

    @model_validator(mode="after")
    def requires_what_it_has(self) -> Self:
        if unknown := set(self.required) - set(self.properties):
            raise ValueError(f"required names unknown fields: {', '.join(sorted(unknown))}")
        return self


class ListField(Annotations):
    type: Literal["array"]
    items: Annotated[TextField | IntegerField | RowField, Field(discriminator="type")]
    max_items: Annotated[int, Field(alias="maxItems", ge=1, le=1000)]
    min_items: Annotated[int, Field(alias="minItems", ge=0)] = 0


FormField = Annotated[TextField | IntegerField | BooleanField | ListField, Field(discriminator="type")]


class ShowWhen(Data):
    """Its fields exist only while the field ``when`` has one of the values ``in``."""

    fields: Annotated[tuple[FieldName, ...], Field(min_length=1)]
    when: FieldName
    values: Annotated[tuple[str | bool, ...], Field(alias="in", min_length=1)]

    def holds(self, answer: object) -> bool:
        # By type too: to Python, 1 equals True.
        return any(type(answer) is type(value) and answer == value for value in self.values)


class Form(Data):
    """The fields that a category asks for beside those of every case."""

    fields: dict[FieldName, FormField] = Field(default_factory=dict)
    required: tuple[FieldName, ...] = ()
    show_when: Annotated[tuple[ShowWhen, ...], Field(alias="show-when")] = ()

    @model_validator(mode="after")
    def names_its_own_fields(self) -> Self:
        named = {*self.required, *(name for rule in self.show_when for name in (*rule.fields, rule.when))}
        if unknown := named - set(self.fields):
            raise ValueError(f"required or show-when name unknown fields: {', '.join(sorted(unknown))}")
        # A condition stands on fields above it, so one pass in order settles what is shown.
        order = list(self.fields)
        for rule in self.show_when:
            if any(order.index(name) <= order.index(rule.when) for name in rule.fields):
                raise ValueError(f"show-when: {rule.when} must stand above the fields that it shows")
        return self

    def shown(self, values: Mapping[str, Any]) -> list[str]:
        """The fields that exist for these answers, in the form's order."""
        shown: list[str] = []
        for name in self.fields:
            conditions = [rule for rule in self.show_when if name in rule.fields]
            if all(rule.when in shown and rule.holds(values.get(rule.when)) for rule in conditions):
                shown.append(name)
        return shown
