"""The form in the shape in which the pages' templates read values and errors."""

from collections.abc import Sequence

from caseway_kit.problems import FieldError
from portal.pages.forms import Form as PageForm
from portal.requests.form import Form
from portal.requests.submission import Placed, Said


class ShownForm(PageForm):
    """Values and errors by the names of a request's form; an error shows at its own place alone."""

    def errors_at(self, pointer: str) -> list[FieldError]:
        at = f"/{pointer.lstrip('/')}"
        return [error for error in self.errors if error.field == at]


def shown(form: Form, wrong: Placed, tops: Sequence[str] = ()) -> ShownForm:
    """``tops``: what is to be said of the form as a whole."""
    values: dict[str, list[str]] = {}
    for name, value in form.typed.pairs():
        values.setdefault(name, []).append(value)
    values |= {
        "affected_operating_systems": [one.value for one in form.operating_systems if one.chosen],
        "issue_type": [form.issue_type],
        "category": [form.category],
        "cc": [form.cc],
        "contact/method": [form.contact_method],
    }
    errors = [FieldError("", "", text) for text in tops]
    errors += [
        FieldError(f"/{name}" if name else "", said.code, _quoting(said), said.help)
        for name, all_said in wrong.items()
        for said in all_said
    ]
    return ShownForm(values, errors)


def _quoting(said: Said) -> str:
    return f"“{said.about[:100]}”: {said.message}" if said.about else said.message
