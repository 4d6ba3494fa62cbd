"""An analyst's commands for URLs that customers want rated otherwise, where no rule could decide."""

from itertools import islice
from typing import Annotated, Any
from urllib.parse import quote

import typer

from caseway_embedded.cli.client import Api, show
from caseway_embedded.cli.printing import harmless
from caseway_embedded.cli.url_categories import Categories, Rating, UrlCategories

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
# As many ids as one request takes.
AT_ONCE = 50


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="An analyst's commands: URLs that customers want rated otherwise.")
    group.command("list")(list_waiting)
    group.command("decide")(decide)
    app.add_typer(group, name="reclassifications")


def list_waiting(
    team: Annotated[str | None, typer.Option(help="Only what this team answers, for example web-reputation.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many cases at the most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What waits for a decision, the cases that are due first in front.

    Decide about one by its id: `caseway reclassifications decide ID --rating safe --reason "It was cleaned."`
    """
    api = Api()
    cases = list(islice(api.pages("/desk/reclassifications", team=team, limit=min(limit, 200)), limit))
    requests = _requests(api, [url_id for case in cases for url_id in case["url_ids"]])
    waiting = [
        {"team": case["team"], "priority": case["priority"], "due_at": case["due_at"], **requests[url_id]}
        for case in cases
        for url_id in case["url_ids"]
        if url_id in requests  # else it was decided a moment ago
    ]
    if as_json:
        return show(waiting)
    categories = UrlCategories(api) if waiting else None
    for one in waiting:
        assert categories is not None
        typer.echo(harmless(f"{one['id']}  {one['url']}"))
        typer.echo(f"    {one['sr_number']}  {one['team']}  priority {one['priority']}  due {one['due_at']}")
        is_now, wanted = _says(one, categories), _says(_wanted(one), categories)
        typer.echo(harmless(f"    it is {is_now}; the customer wants {wanted}"))
        if first := one["proposed"]:
            typer.echo(harmless(f"    proposed, and waits for a second analyst: {_says(first, categories)}"))
            typer.echo(harmless(f"    because: {first['reason']}"))
    if not waiting:
        typer.echo("Nothing waits.")
    return None


def decide(
    request: Annotated[str, typer.Argument(metavar="ID", help="As `caseway reclassifications list` shows it.")],
    reason: Annotated[str, typer.Option(help="Why. The customer reads it.")],
    rating: Rating = None,
    category: Categories = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the URL rated as it is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Change how a URL is rated, for everybody and from now on, or keep it.

    The case shows the outcome and the reason. Of a site that many people use a change is only proposed, until another
    analyst decides the same.
    """
    if keep == bool(rating or category):
        raise typer.BadParameter("give either --keep, or what changes: --rating, --category or both")
    api = Api()
    body = {
        "outcome": "kept" if keep else "changed",
        "rating": rating,
        "categories": UrlCategories(api).numbers(category) if category else None,
        "reason": reason,
    }
    decided = api.post(f"/ratings/reclassifications/{quote(request, safe='')}/decision", body)
    if as_json:
        return show(decided)
    if decided["outcome"] is None:
        return typer.echo("Proposed: many people use this site, so another analyst has to decide the same.")
    says = "is" if decided["outcome"] == "changed" else "stays"
    return typer.echo(harmless(f"{decided['url']} {says} {decided['rating']} ({decided['score']})."))


def _requests(api: Api, ids: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for first in range(0, len(ids), AT_ONCE):
        pages = api.pages("/ratings/reclassifications", id=ids[first : first + AT_ONCE], limit=AT_ONCE)
        found |= {one["id"]: one for one in pages}
    return found


def _wanted(request: dict[str, Any]) -> dict[str, Any]:
    return {"rating": request["requested_rating"], "categories": request["requested_categories"]}


def _says(rated: dict[str, Any], categories: UrlCategories) -> str:
    rating = rated["rating"] or "another content"
    return f"{rating} ({categories.named(rated['categories'])})" if rated["categories"] else rating
