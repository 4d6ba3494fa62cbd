"""Threat requests from before SR numbers, handed in by an operator: a file of records, line by line."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from caseway_embedded.cli.client import REFUSED, Api, check, explained, show, stop

FIELDS = (
    *("ref_id", "account_id", "subject", "submitted_at", "description", "kind", "status", "result", "product"),
    *("submitter", "closed_at"),
)
MOST_SHOWN = 50


def register(app: typer.Typer) -> None:
    app.command()(import_legacy)


def import_legacy(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help=f"CSV with a heading, or one JSON object a line. Fields: {', '.join(FIELDS)}.",
        ),
    ],
    account: Annotated[str | None, typer.Option(help="Id of the account of every record that names none.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Import threat requests that have a REF ID; what was imported before is left as it is.

    A bad line is named and stops nothing; then the exit code is 4.
    """
    api, console = Api(), Console(stderr=True)
    counts = {"imported": 0, "known": 0, "refused": 0}
    refused: list[dict[str, Any]] = []
    with explained(), _readable(path), console.status("importing") as status:
        lines = (json.dumps(record).encode() + b"\n" for record in _records(path, account))
        with api.http.stream("POST", "/legacy-requests", content=lines, timeout=None) as answer:
            check(answer)
            for line in answer.iter_lines():
                one = json.loads(line)
                counts[{201: "imported", 200: "known"}.get(one["status"], "refused")] += 1
                if "problem" in one and len(refused) < MOST_SHOWN:
                    refused.append({"record": one["line"], **one["problem"]})
                status.update(f"importing: {sum(counts.values()):,} records")
    if as_json:
        show({**counts, "problems": refused})
    else:
        for problem in refused:
            typer.echo(f"record {problem['record']}: {_why(problem)}", err=True)
        typer.echo(", ".join(f"{count:,} {name}" for name, count in counts.items()))
    raise typer.Exit(REFUSED if counts["refused"] else 0)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, csv.Error) as error:
        stop(f"{path} can't be read: {error}", REFUSED)


def _records(path: Path, account: str | None) -> Iterator[Any]:
    """Records as they stand; what is no record goes along as it is, so that it is refused under its number."""
    # Rows of spreadsheets come with a byte order mark.
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = _ndjson(file) if path.suffix.lower() in (".ndjson", ".jsonl", ".json") else csv.DictReader(file)
        for row in rows:
            if not isinstance(row, dict):
                yield row
                continue
            record = {str(name).strip(): value for name, value in row.items() if value not in (None, "")}
            yield {"account_id": account, **record} if account else record


def _ndjson(lines: Iterator[str]) -> Iterator[Any]:
    for line in lines:
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError:
                yield line[:200]


def _why(problem: dict[str, Any]) -> str:
    errors = problem.get("errors") or [{"field": "", "message": problem.get("detail") or problem.get("title")}]
    return "; ".join(f"{one['field']} {one['message']}".strip() for one in errors)
