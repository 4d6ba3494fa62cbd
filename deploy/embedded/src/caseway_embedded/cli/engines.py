"""What analyses evidence: engines, rule sets, and the teams' own rules and lists."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from caseway_embedded.cli.client import Api, show
from caseway_embedded.cli.printing import shown


def register(app: typer.Typer) -> None:
    app.command()(engines)


def engines(as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False) -> None:
    """Which engines and rule sets analyse evidence now.

    Teams add YARA rules and lists as files of one folder (`rules` in the data folder of `caseway up`); a change is in
    force within seconds. What is wrong with it stands here, and the state before stays in force.
    """
    found = Api().get("/engines")
    if as_json:
        return show(found)
    console, table = Console(), Table(box=None, pad_edge=False, header_style="bold")
    for column in ("engine or rule set", "version"):
        table.add_column(column)
    for one in found["items"]:
        table.add_row(one["name"], one["version"])
    console.print(table)
    if found["team"]["files"]:
        console.print(f"\nOf the teams: {shown(', '.join(found['team']['files']))}")
    for problem in found["team"]["problems"]:
        console.print(f"\n[red]Refused:[/] {shown(problem)}", highlight=False)
    return None
