"""Ratings that outrank every list: an account admin's for the own account, an analyst's for everybody."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from caseway_embedded.cli.client import Api, show
from caseway_embedded.cli.printing import harmless
from caseway_embedded.cli.reanalysis import TIMES
from caseway_embedded.cli.url_categories import Categories, UrlCategories

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="As `caseway overrides list` shows it.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        no_args_is_help=True,
        help="Ratings of URLs that outrank every list: an account admin's in the look-ups of the own account, an "
        "analyst's for everybody.",
    )
    group.command("add")(add)
    group.command("list")(list_all)
    group.command("second")(second)
    group.command("remove")(remove)
    app.add_typer(group, name="overrides")


def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="It counts for what is below it, too.")],
    rating: Annotated[str, typer.Option(help="safe, suspicious, highly-suspicious, dangerous or untested.")],
    reason: Annotated[str, typer.Option(help="Why; whoever looks the URL up in your account reads it.")],
    category: Categories = None,
    expires_at: Annotated[
        datetime | None, typer.Option(help="It counts until then (UTC), or until it is removed.", formats=TIMES)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rate a URL otherwise than the lists do, in place of your override of it before, if there is one."""
    if expires_at is not None and expires_at.tzinfo is None:
        expires_at = expires_at.replace(tzinfo=UTC)
    api = Api()
    body = {
        "url": url,
        "rating": rating,
        "reason": reason,
        "categories": UrlCategories(api).numbers(category) if category else [],
        "expires_at": None if expires_at is None else expires_at.isoformat(),
    }
    made = api.post("/ratings/overrides", body)
    if as_json:
        return show(made)
    typer.echo(made["id"])
    if made["awaits_second"]:
        typer.echo(
            f"Many people use this site: it counts when another analyst says `caseway overrides second {made['id']}`."
        )
    return None


def list_all(
    past: Annotated[bool, typer.Option("--all", help="Those that expired or were removed, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Overrides of your account, an analyst's: those for everybody."""
    api = Api()
    found = [one for one in api.pages("/ratings/overrides", limit=200) if past or not _is_over(one)]
    if as_json:
        return show(found)
    categories = UrlCategories(api) if found else None
    for one in found:
        assert categories is not None
        named = f" ({categories.named(one['categories'])})" if one["categories"] else ""
        typer.echo(harmless(f"{one['id']}  {one['expression']}  {one['rating']}{named}{_state(one)}"))
        typer.echo(harmless(f"    by {one['by']} at {one['at']}: {one['reason']}"))
    if not found:
        typer.echo("None is in force.")
    return None


def second(override: Id, as_json: AsJson = False) -> None:
    """An analyst's command: put in force what another analyst made of a site that many people use."""
    seconded = Api().post(f"{_path(override)}/second")
    show(seconded) if as_json else typer.echo(harmless(f"{seconded['expression']} is {seconded['rating']}."))


def remove(override: Id, reason: Annotated[str, typer.Option(help="Why.")], as_json: AsJson = False) -> None:
    """Take an override back; it stays to be read with `caseway overrides list --all`."""
    removed = Api().post(f"{_path(override)}/remove", {"reason": reason})
    if as_json:
        return show(removed)
    if removed["removed_at"] is None:
        return typer.echo("Two analysts made it, so it counts until another one removes it, too.")
    return typer.echo(harmless(f"The override of {removed['expression']} is over."))


def _path(override: str) -> str:
    return f"/ratings/overrides/{quote(override, safe='')}"


def _is_over(override: dict[str, Any]) -> bool:
    expires_at = override["expires_at"]
    expired = expires_at is not None and datetime.fromisoformat(expires_at) <= datetime.now(UTC)
    return expired or override["removed_at"] is not None


def _state(override: dict[str, Any]) -> str:
    if override["removed_at"] is not None:
        return f", over since {override['removed_at']}: {override['removed_reason']}"
    waits = ", waits for a second analyst" if override["awaits_second"] else ""
    waits += ", waits for a second analyst to remove it" if override["removal_by"] else ""
    return waits + (f", until {override['expires_at']}" if override["expires_at"] else "")
