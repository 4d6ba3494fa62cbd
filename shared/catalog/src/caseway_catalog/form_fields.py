"""Checks the answers to a category's own form."""

import re
from collections.abc import Iterator, Mapping

from caseway_catalog.addresses import is_reputation_address
from caseway_catalog.field_errors import (
    FieldError,
    check_choice,
    check_keys,
    check_text,
    is_blank,
    missing,
    must_be_list,
    must_be_object,
    pointer,
)
from caseway_catalog.form_schema import BooleanField, Form, FormField, IntegerField, ListField, RowField, TextField


def check_fields(form: Form, value: object, at: str = "/fields") -> list[FieldError]:
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        return [must_be_object(at, "The category's fields")]
    shown = form.shown(value)
    errors = list(check_keys(value, shown, at))
    for name in shown:
        errors += check_field(form.fields[name], value.get(name), at + pointer(name), required=name in form.required)
    return errors


def check_field(field: FormField | RowField, value: object, at: str, *, required: bool) -> Iterator[FieldError]:
    if value is None or value == "" or (required and is_blank(value)):
        if required:
            yield missing(at, field.title, f"Fill in {field.title}.")
    elif isinstance(field, TextField):
        yield from check_text_field(field, value, at)
    elif isinstance(field, IntegerField):
        yield from check_integer(field, value, at)
    elif isinstance(field, BooleanField):
        if not isinstance(value, bool):
            yield invalid(at, f"{field.title} is either true or false.")
    elif isinstance(field, ListField):
        yield from check_list(field, value, at)
    else:
        yield from check_row(field, value, at)


def check_text_field(field: TextField, value: object, at: str) -> Iterator[FieldError]:
    if field.enum is not None:
        yield from check_choice(value, at, field.title, field.enum)
        return
    faults = list(check_text(value, at, field.title, most=field.max_length or 0))
    yield from faults
    if faults or not isinstance(value, str):
        return
    if field.min_length is not None and len(value) < field.min_length:
        yield invalid(at, f"{field.title} needs at least {field.min_length} characters.")
    elif field.pattern is not None and not re.fullmatch(field.pattern, value):
        yield invalid(at, f"{field.title} does not look right.", field.description or example_of(field))
    elif field.format == "reputation-address" and not is_reputation_address(value):
        message = f"{field.title} is neither an IP address nor a DNS name."
        help_text = "Write one address without port, path or mask; names outside ASCII in Punycode."
        yield FieldError(field=at, code="address.invalid", message=message, help=help_text)


def check_integer(field: IntegerField, value: object, at: str) -> Iterator[FieldError]:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if not is_integer or not isinstance(value, int) or not field.minimum <= value <= field.maximum:
        yield invalid(at, f"{field.title} is a whole number from {field.minimum} to {field.maximum}.")


def check_list(field: ListField, value: object, at: str) -> Iterator[FieldError]:
    if not isinstance(value, list | tuple):
        yield must_be_list(at, field.title)
        return
    if len(value) < field.min_items:
        yield missing(at, field.title, f"Add at least {field.min_items}.")
    if len(value) > field.max_items:
        yield invalid(at, f"{field.title} takes at most {field.max_items}.", "Open another case for the rest.")
    for index, item in enumerate(value[: field.max_items]):
        yield from check_field(field.items, item, at + pointer(index), required=True)


def check_row(field: RowField, value: object, at: str) -> Iterator[FieldError]:
    if not isinstance(value, Mapping):
        yield must_be_object(at, field.title)
        return
    yield from check_keys(value, field.properties, at)
    for name, column in field.properties.items():
        yield from check_field(column, value.get(name), at + pointer(name), required=name in field.required)


def invalid(at: str, message: str, help_text: str = "") -> FieldError:
    return FieldError(field=at, code="choice.invalid", message=message, help=help_text)


def example_of(field: TextField) -> str:
    return f"For example: {field.ui.placeholder}" if field.ui and field.ui.placeholder else ""
