"""A category's own fields as the page shows them, made from its manifest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from caseway_catalog.categories import CaseRules
from caseway_catalog.form_schema import BooleanField, FormField, IntegerField, ListField, RowField, TextField
from portal.requests.typed import Row, Typed

CHECKED = "true"


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    chosen: bool = False
    says: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        return self.value, self.label


@dataclass(frozen=True)
class Field:
    """An input with its place on the page; ``rows`` are those of a table, with one to fill in at the end."""

    name: str
    label: str
    widget: str
    value: str = ""
    required: bool = False
    decides: bool = False
    """Other fields appear and disappear with its value."""
    choices: tuple[Choice, ...] = ()
    says: str = ""
    placeholder: str = ""
    most: int | None = None
    columns: tuple["Field", ...] = ()
    rows: tuple[tuple["Field", ...], ...] = ()


def fields_of(rules: CaseRules, typed: Typed) -> tuple[Field, ...]:
    form = rules.form
    deciding = {rule.when for rule in form.show_when}
    answered = answers(rules, typed)
    shown = form.shown(answered)
    return tuple(
        _field(form.fields[name], f"fields/{name}", typed, required=name in form.required, decides=name in deciding)
        for name in shown
    )


def answers(rules: CaseRules, typed: Typed) -> dict[str, object]:
    """What was typed, in the types of the manifest; only of fields that are shown. What is no number stays text."""
    form = rules.form
    values = {name: _answer(field, f"fields/{name}", typed) for name, field in form.fields.items()}
    shown = form.shown(values)
    return {name: value for name, value in values.items() if name in shown and value is not None}


def _answer(field: FormField, name: str, typed: Typed) -> object:
    if isinstance(field, ListField):
        rows = typed.rows(name)
        if isinstance(field.items, RowField):
            columns = field.items.properties
            return [
                {key: value for key, column in columns.items() if (value := _cell(column, _last(row, key))) is not None}
                for row in rows
            ] or None
        return [_cell(field.items, _last(row, "")) for row in rows] or None
    return _cell(field, typed.one(name))


def _cell(field: TextField | IntegerField | BooleanField, text: str) -> object:
    if isinstance(field, BooleanField):
        return text == CHECKED
    if not text.strip():
        return None
    if isinstance(field, IntegerField):
        # Longer ones are no number of any form, and Python refuses to read thousands of digits.
        return int(text) if _is_integer(text.strip()) else text
    return text


def _is_integer(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) < 18


def _last(row: Row, key: str) -> str:
    return row[key][-1] if row.get(key) else ""


def _field(field: FormField, name: str, typed: Typed, *, required: bool, decides: bool) -> Field:
    if isinstance(field, ListField):
        return _table(field, name, typed, required=required)
    return _input(field, name, typed.one(name), required=required, decides=decides)


def _table(field: ListField, name: str, typed: Typed, *, required: bool) -> Field:
    filled = typed.rows(name)
    count = min(max(len(filled) + 1, field.min_items), field.max_items)
    rows = [*filled, *({} for _ in range(count - len(filled)))]
    make = _columns(field.items)
    return Field(
        name=name,
        label=field.title,
        widget="table",
        required=required,
        says=field.description or "",
        most=field.max_items,
        columns=make(f"{name}/0", {}),
        rows=tuple(make(f"{name}/{number}", row) for number, row in enumerate(rows)),
    )


def _columns(item: TextField | IntegerField | RowField) -> Callable[[str, Row], tuple[Field, ...]]:
    def make(name: str, row: Row) -> tuple[Field, ...]:
        if isinstance(item, RowField):
            return tuple(
                _input(column, f"{name}/{key}", _last(row, key), required=key in item.required)
                for key, column in item.properties.items()
            )
        return (_input(item, name, _last(row, ""), required=True),)

    return make


def _input(
    field: TextField | IntegerField | BooleanField, name: str, value: str, *, required: bool, decides: bool = False
) -> Field:
    hints = field.ui
    enum = field.enum if isinstance(field, TextField) else None
    labels: Mapping[str, str] = (hints.labels if hints else None) or {}
    return Field(
        name=name,
        label=field.title,
        widget=hints.widget if hints else _plain_widget(field),
        value=value,
        required=required,
        decides=decides,
        choices=tuple(Choice(one, labels.get(one, one), one == value) for one in enum or ()),
        says=field.description or "",
        placeholder=(hints.placeholder if hints else None) or "",
        most=field.max_length if isinstance(field, TextField) else None,
    )


def _plain_widget(field: TextField | IntegerField | BooleanField) -> str:
    if isinstance(field, BooleanField):
        return "checkbox"
    if isinstance(field, IntegerField):
        return "number"
    return "select" if field.enum else "text"
