"""What is wrong with one field, in words that say what to do, and the checks that every form shares."""

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

Code = Literal[
    "required",
    "choice.invalid",
    "choice.not_in_profile",
    "field.unknown",
    "text.too_long",
    "url.invalid",
    "evidence.not_accepted",
    "evidence.missing",
    "urls.too_many",
    "address.invalid",
]
MOST_NAMED = 20


class FieldError(BaseModel):
    """One fault of an input; ``field`` is a JSON pointer."""

    model_config = ConfigDict(frozen=True)

    field: str
    code: Code
    message: str
    help: str = ""


def pointer(*parts: object) -> str:
    """A JSON pointer; a key that a stranger chose is cut and made encodable."""
    return "".join("/" + encodable(str(part))[:64].replace("~", "~0").replace("/", "~1") for part in parts)


def encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def missing(field: str, label: str, help_text: str = "") -> FieldError:
    return FieldError(field=field, code="required", message=f"{label} is required.", help=help_text)


def check_text(value: object, field: str, label: str, *, most: int, required: bool = False) -> Iterator[FieldError]:
    if required and is_blank(value):
        yield missing(field, label, f"Fill in {label}.")
    elif value is None:
        return
    elif not isinstance(value, str):
        yield FieldError(field=field, code="choice.invalid", message=f"{label} must be text.", help="Send a string.")
    elif len(value) > most:
        message = f"{label} has {len(value):,} characters; at most {most:,} are taken."
        yield FieldError(field=field, code="text.too_long", message=message, help="Shorten it.")
    elif encodable(value) != value:
        message = f"{label} holds characters that are not text."
        yield FieldError(field=field, code="choice.invalid", message=message, help="Remove lone surrogates.")


def check_choice(
    value: object, field: str, label: str, choices: Collection[str], *, required: bool = True
) -> Iterator[FieldError]:
    if required and is_blank(value):
        yield missing(field, label, one_of(choices))
    elif value is not None and (not isinstance(value, str) or value not in choices):
        message = f"{label} has no such choice."
        yield FieldError(field=field, code="choice.invalid", message=message, help=one_of(choices))


def check_choices(value: object, field: str, label: str, choices: Collection[str]) -> Iterator[FieldError]:
    if not isinstance(value, list | tuple):
        yield must_be_list(field, label)
    elif len(value) > len(choices):
        message = f"{label} names more than there are."
        yield FieldError(field=field, code="choice.invalid", message=message, help=one_of(choices))
    else:
        for index, item in enumerate(value):
            yield from check_choice(item, f"{field}/{index}", label, choices)


def check_keys(value: Mapping[str, object], known: Collection[str], at: str = "") -> Iterator[FieldError]:
    unknown = [key for key in value if key not in known]
    for key in unknown[:MOST_NAMED]:
        message = "There is no such field here."
        yield FieldError(field=at + pointer(key), code="field.unknown", message=message, help="Leave it out.")


def must_be_list(field: str, label: str) -> FieldError:
    return FieldError(field=field, code="choice.invalid", message=f"{label} must be a list.", help="Send a JSON array.")


def must_be_object(field: str, label: str) -> FieldError:
    message = f"{label} must be an object."
    return FieldError(field=field, code="choice.invalid", message=message, help="Send a JSON object.")


def one_of(choices: Collection[str]) -> str:
    shown = list(choices)[:MOST_NAMED]
    more = ", …" if len(choices) > len(shown) else ""
    return f"Choose one of: {', '.join(shown)}{more}." if shown else ""
