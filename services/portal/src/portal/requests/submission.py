"""From the form to the body of ``POST /cases``, and from its faults back to the places of the form."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from portal.requests.form import Form, names_shown
from portal.requests.reclassification import stated_urls
from portal.requests.typed import Row
from portal.requests.widgets import answers

WHOLE_FORM = ""


@dataclass(frozen=True)
class Said:
    """A fault in words; ``about`` quotes the line that it speaks of, where the place holds several."""

    message: str
    help: str = ""
    code: str = ""
    about: str = ""


Placed = dict[str, list[Said]]


def submission(form: Form, catalog_version: str) -> dict[str, Any]:
    """What the form says. Only what it shows is said; what is missing or wrong is intake's to tell."""
    typed = form.typed
    body: dict[str, Any] = {
        "profile_id": typed.one("profile_id"),
        "affected_operating_systems": [one.value for one in form.operating_systems if one.chosen],
        "issue_type": form.issue_type,
        "category": form.category or None,
        "subject": typed.one("subject"),
        "description": typed.one("description"),
        "severity": typed.one("severity"),
        "cc": typed.lines("cc"),
        "contact": {"method": form.contact_method} | {key: typed.one(f"contact/{key}") for key in form.contact_asks},
        "catalog_version": catalog_version,
        "fields": answers(form.rules, typed) if form.rules is not None else {},
        "attachments": [_attachment(row) for row in typed.rows("attachments")],
        "urls": _urls(form),
    }
    if form.asks_impact:
        body["business_impact"] = typed.one("business_impact")
    if form.profile is not None:
        body["profile_revision"] = form.profile["revision"]
    return body


def placed(errors: Iterable[Mapping[str, Any]], form: Form) -> Placed:
    """Each fault at the name of the input that it speaks of; at the whole form where there is none."""
    names = names_shown(form)
    found: Placed = {}
    for error in errors:
        name, about = _place(str(error.get("field", "")), form, names)
        said = Said(str(error.get("message", "")), str(error.get("help", "")), str(error.get("code", "")), about)
        if said not in found.setdefault(name, []):
            found[name].append(said)
    return found


def _attachment(row: Row) -> dict[str, str]:
    password = row["password"][-1] if row.get("password") else ""
    return {"upload_id": row["upload_id"][-1]} | ({"password": password} if password else {})


def _urls(form: Form) -> list[dict[str, Any]]:
    if form.evidence.urls is None:
        return []
    return stated_urls(form.typed) if form.reclassifies else [{"url": url} for url in form.typed.lines("urls")]


def _place(pointer: str, form: Form, names: set[str]) -> tuple[str, str]:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    head = parts[0] if parts else ""
    if head == "attachments":
        return _attachment_place(parts, form), ""
    if head == "profile_revision":
        return "profile_id", ""
    if head == "urls":
        return _url_place(parts, form)
    if head == "cc":
        return "cc", _line(form.typed.lines("cc"), parts)
    if head in ("affected_operating_systems", "profile_id"):
        return head, ""
    while parts:
        name = "/".join(parts)
        if name in names:
            return name, ""
        parts.pop()
    return WHOLE_FORM, ""


def _attachment_place(parts: list[str], form: Form) -> str:
    known = len(form.typed.rows("attachments"))
    if len(parts) == 1 or not parts[1].isdecimal() or int(parts[1]) >= known:
        return "attachments"
    return f"attachments/{parts[1]}" + ("/password" if parts[2:] == ["password"] else "")


def _url_place(parts: list[str], form: Form) -> tuple[str, str]:
    if form.evidence.urls is None:
        return WHOLE_FORM, ""
    shown = form.reclassifies and form.typed.one("rated")
    if len(parts) > 2 and parts[2] != "url" and shown:
        return f"urls/{parts[1]}/{parts[2]}", ""
    return "urls", _line(form.typed.lines("urls"), parts)


def _line(lines: list[str], parts: list[str]) -> str:
    number = int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() and len(parts[1]) < 9 else len(lines)
    return lines[number] if number < len(lines) else ""
