"""``caseway reanalyze``: today's engines and rules over the samples that are stored."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from caseway_embedded.cli.client import Api, show
from caseway_embedded.cli.results import COLORS

LOOKED_EVERY_SECONDS = 1.0
SIGNED_IN_SECONDS = 300.0
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def register(app: typer.Typer) -> None:
    app.command()(reanalyze)


def reanalyze(
    since: Annotated[datetime | None, typer.Option(help="Only what came since then (UTC).", formats=TIMES)] = None,
    kind: Annotated[str | None, typer.Option(help="Only pieces of this kind: file, email or attk_log.")] = None,
    sha256: Annotated[str | None, typer.Option(help="Only pieces that are these bytes or hold them.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell which verdicts would change; change none.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """An operator's command: look at stored samples again. Verdicts that change are stated, their cases show it, and
    everybody who submitted the same bytes gets a mail. It goes on in the system when this command is interrupted."""
    api, console = Api(), Console(stderr=True)
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    wanted = {"since": None if since is None else since.isoformat(), "kind": kind, "sha256": sha256}
    job = api.post("/reanalyses", {**wanted, "dry_run": dry_run})
    renew_at = time.monotonic() + SIGNED_IN_SECONDS
    with console.status("looking") as status:
        while job["state"] != "done":
            time.sleep(LOOKED_EVERY_SECONDS)
            if time.monotonic() > renew_at:  # a token lives 15 minutes at the most
                api, renew_at = Api(), time.monotonic() + SIGNED_IN_SECONDS
            job = api.get(f"/reanalyses/{job['id']}")
            status.update(f"looking: {job['looked_at']:,} pieces, {job['changed']:,} changes")
    changes = list(api.pages(f"/reanalyses/{job['id']}/changes", limit=200))
    if as_json:
        return show({**job, "changes": changes})
    if changes:
        Console().print(_table(changes))
    says = "would change" if dry_run else "changed"
    typer.echo(f"{job['looked_at']:,} pieces looked at, {job['changed']:,} verdicts {says}, {job['failed']:,} failed.")
    return None


def _table(changes: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("case", "evidence", "kind", "from", "to", "inside", "why"):
        table.add_column(column, overflow="fold")
    for one in changes:
        rules = (f"{'+' if reason['now'] else '-'}{reason['engine']}:{reason['rule']}" for reason in one["reasons"])
        verdicts = (f"[{COLORS.get(one[name], 'cyan')}]{one[name]}[/]" for name in ("from", "to"))
        inside = ", ".join(f"{turn['before']}→{turn['now']}" for turn in one["inside"])
        table.add_row(one["sr_number"], one["evidence_id"], one["kind"], *verdicts, inside, " ".join(rules))
    return table
