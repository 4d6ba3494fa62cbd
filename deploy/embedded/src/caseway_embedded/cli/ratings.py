"""Commands for URL ratings."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from caseway_embedded.cli.client import REFUSED, Api, check, explained, show, stop
from caseway_embedded.cli.printing import shown
from caseway_embedded.cli.results import COLORS

FORMATS = ("ut1", "hosts", "csv", "rpz")


def register(app: typer.Typer) -> None:
    app.command()(rating)
    group = typer.Typer(no_args_is_help=True, help="An operator's commands: lists of ratings.")
    group.command("import")(import_list)
    group.callback()(_group)
    app.add_typer(group, name="ratings")


def _group() -> None:
    return


def rating(
    urls: Annotated[list[str], typer.Argument(metavar="URL…", help="Up to 500 URLs. None of them is ever fetched.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """What URLs are rated, and why."""
    results = Api().post("/ratings/lookup", {"urls": urls})["results"]
    if as_json:
        return show(results)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("rating", "score", "categories", "URL", "why"):
        table.add_column(column, overflow="fold")
    for one in results:
        if one.get("error"):
            table.add_row("-", "-", "", shown(one["url"]), shown(one["error"]))
            continue
        color = COLORS.get(one["rating"], "cyan")
        names = ", ".join(category["name"] for category in one["categories"])
        why = "; ".join(reason["says"] for reason in one["reasons"])
        table.add_row(f"[{color}]{one['rating']}[/]", str(one["score"]), shown(names), shown(one["url"]), shown(why))
    return Console().print(table)


def import_list(
    format: Annotated[str, typer.Argument(help=" | ".join(FORMATS))],  # noqa: A002 - the argument's name
    path: Annotated[Path, typer.Argument(exists=True, help="A file; of ut1 also a folder of category folders.")],
    category: Annotated[
        str | None, typer.Option(help="What every entry is, where the list itself does not say.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the list; the format's when left out.")] = None,
    version: Annotated[str | None, typer.Option(help="Version of the list; the time when left out.")] = None,
) -> None:
    """Load a list of rated URLs. It counts from the moment it is loaded whole; the list before it is kept."""
    if format not in FORMATS:
        raise typer.BadParameter(f"there are: {', '.join(FORMATS)}")
    params = {"format": format, "version": version or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"}
    params |= {"name": name} if name else {}
    params |= {"category": category} if category else {}
    api, console = Api(), Console(stderr=True)
    last: dict[str, Any] = {}
    with (
        explained(),
        api.http.stream("POST", "/ratings/imports", params=params, content=_lines(path), timeout=None) as answer,
    ):
        check(answer)
        with console.status("importing") as status:
            for line in answer.iter_lines():
                last = json.loads(line)
                status.update(f"importing: {last.get('entries', 0):,} entries")
    if last.get("error"):
        stop(f"The list was refused: {last['error']}", REFUSED)
    typer.echo(json.dumps(last))


def _lines(path: Path) -> Iterator[bytes]:
    """A file as it is; a folder of UT1 as lines of ``category<TAB>entry``."""
    if path.is_file():
        with path.open("rb") as file:
            while chunk := file.read(1024 * 1024):
                yield chunk
        return
    folders = [path] if (path / "domains").exists() or (path / "urls").exists() else sorted(path.iterdir())
    for folder in folders:
        for name in ("domains", "urls"):
            file_path = folder / name
            if file_path.is_file():
                yield from _tagged(folder.name, file_path)


def _tagged(category: str, path: Path) -> Iterator[bytes]:
    tag = f"{category}\t".encode()
    lines: list[bytes] = []
    with path.open("rb") as file:
        for line in file:
            lines.append(tag + line.rstrip(b"\r\n") + b"\n")
            if len(lines) == 5_000:
                yield b"".join(lines)
                lines.clear()
    yield b"".join(lines)
