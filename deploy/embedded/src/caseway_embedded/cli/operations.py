"""An operator's commands: what is lost, what is stuck, what to do about it."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from caseway_embedded.cli.backstage import backstage, run
from caseway_embedded.cli.client import FAILURE, show
from caseway_embedded.cli.printing import shown
from caseway_embedded.cli.stack import Data

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Which = Annotated[str, typer.Argument(metavar="SERVICE[/PARTITION/OFFSET]", help="As `dlq list` names it.")]

# The modules that talk to Kafka and MongoDB take a second to import: each command imports what it needs.


def register(app: typer.Typer) -> None:
    app.command()(reconcile)
    outbox = typer.Typer(no_args_is_help=True, help="Facts that are saved and not yet on the log.")
    outbox.command("status")(outbox_status)
    outbox.callback()(_group)
    app.add_typer(outbox, name="outbox")
    dlq = typer.Typer(no_args_is_help=True, help="Messages that no retry helped: see, requeue, drop, resume.")
    dlq.command("list")(list_all)
    dlq.command("show")(show_one)
    dlq.command("requeue")(requeue)
    dlq.command("drop")(drop)
    dlq.command("resume")(resume)
    app.add_typer(dlq, name="dlq")


def _group() -> None:
    return


def reconcile(data: Data, as_json: AsJson = False) -> None:
    """Compare what was accepted with what became of it. Exit code 1 when a case is lost."""
    from caseway_embedded.cli.reconciling import compare

    found = run(compare(backstage(data)))
    if as_json:
        show(found)
    else:
        for name in ("accepted", "completed", "in_flight", "parked"):
            typer.echo(f"{name.replace('_', ' '):<10} {found[name]}")
        for sr in found["lost"]:
            typer.echo(f"lost: {sr}", err=True)
        for problem in found["problems"]:
            typer.echo(problem, err=True)
    raise typer.Exit(FAILURE if found["lost"] or found["problems"] else 0)


def outbox_status(data: Data, as_json: AsJson = False) -> None:
    """How many documents of each service have events that are not published."""
    from caseway_embedded.cli.reconciling import outboxes

    counts = run(outboxes(backstage(data)))
    if as_json:
        show(counts)
    else:
        for name, count in counts.items():
            typer.echo(f"{name:<32} {count}")


def list_all(data: Data, as_json: AsJson = False) -> None:
    """Every dead letter that waits for a decision."""
    from caseway_embedded.cli import dead_letters

    rows = [letter.row() for letter in run(dead_letters.parked(backstage(data).kafka, dead_letters.services()))]
    if as_json:
        show(rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = ("name", "topic", "case", "reason", "error", "attempts", "at")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(shown(row[column]) for column in columns))
    Console().print(table if rows else "No dead letters.")


def show_one(which: Which, data: Data) -> None:
    """Dead letters as they came, with where they stood and why they were parked."""
    from caseway_embedded.cli import dead_letters

    letters = run(dead_letters.parked(backstage(data).kafka, dead_letters.services()))
    for letter in dead_letters.chosen(letters, which):
        body = (letter.record.value or b"").decode(errors="backslashreplace")
        headers = {name: repr(value) for name, value in letter.record.headers}
        show({**letter.row(), "headers": headers, "body": body})


def requeue(which: Which, data: Data) -> None:
    """Hand dead letters of a service to it once more, or one of them."""
    from caseway_embedded.cli import dead_letters

    count = run(dead_letters.resolve(backstage(data).kafka, which, "requeue"))
    typer.echo(f"Requeued {count}.")


def drop(which: Which, data: Data) -> None:
    """Give dead letters up; evidence that one of them holds up becomes `not_analyzed`."""
    from caseway_embedded.cli import dead_letters

    count = run(dead_letters.resolve(backstage(data).kafka, which, "drop"))
    typer.echo(f"Dropped {count}.")


def resume(service: Annotated[str, typer.Argument(help="The service.")], data: Data) -> None:
    """Let a service go on that paused after twenty dead letters in a row."""
    from caseway_embedded.cli import dead_letters

    run(dead_letters.resume(backstage(data).kafka, service))
    typer.echo("Told every member of the group.")
