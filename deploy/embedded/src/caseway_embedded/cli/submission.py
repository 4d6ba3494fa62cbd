"""From options of the command line to the body of a submission."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import typer
from rich.progress import wrap_file

from caseway_embedded.cli.client import REFUSED, Api, check, explained, stop


def profile_named(api: Api, name: str) -> dict[str, Any]:
    """A product profile by id or name."""
    profiles: list[dict[str, Any]] = list(api.pages("/profiles"))
    for profile in profiles:
        if name in (profile["id"], profile["name"]):
            return profile
    known = ", ".join(repr(profile["name"]) for profile in profiles) or "none"
    return stop(f"There is no product profile {name!r}; yours: {known}.", REFUSED)


def issue_type_of(api: Api, category: str | None) -> str:
    if category is None:
        return "change-control"
    for one in api.get("/catalog")["categories"]:
        if category == one["slug"]:
            return str(one["issue_type"])
    slugs = ", ".join(one["slug"] for one in api.get("/catalog")["categories"])
    return stop(f"There is no category {category!r}; there are: {slugs}.", REFUSED)


def fields_from(pairs: list[str]) -> dict[str, Any]:
    """``K=V`` gives text, ``K:=JSON`` any value."""
    fields: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{pair!r}: write NAME=TEXT or NAME:=JSON")
        if name.endswith(":"):
            try:
                fields[name[:-1]] = json.loads(value)
            except ValueError:
                raise typer.BadParameter(f"{pair!r}: what follows := is not JSON") from None
        else:
            fields[name] = value
    return fields


def attachments_from(api: Api, files: list[str], *, quiet: bool) -> list[dict[str, Any]]:
    """Upload each ``FILE`` or ``FILE::PASSWORD``."""
    attachments = []
    for file in files:
        path, _, password = file.partition("::")
        if not Path(path).is_file():
            raise typer.BadParameter(f"{path}: there is no such file")
        upload = {"upload_id": upload_file(api, Path(path), quiet=quiet)}
        attachments.append(upload | ({"password": password} if password else {}))
    return attachments


def upload_file(api: Api, path: Path, *, quiet: bool) -> str:
    name = f"attachment; filename*=UTF-8''{quote(path.name)}"
    with path.open("rb") as file:
        source: Any = file
        if not quiet:
            source = wrap_file(file, path.stat().st_size, description=path.name, transient=True)
        with explained():
            chunks = _chunks(source)
            answer = api.http.post("/uploads", content=chunks, headers={"Content-Disposition": name}, timeout=600)
            check(answer)
    return str(answer.json()["upload_id"])


def _chunks(source: Any) -> Any:
    with source as reader:
        while chunk := reader.read(1024 * 1024):
            yield chunk
