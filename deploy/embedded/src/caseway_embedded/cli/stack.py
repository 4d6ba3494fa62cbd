import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from caseway_embedded.cli.display import FIRST_START, Progress
from caseway_embedded.data_dir import DataDir, StackError, default_data_dir

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        envvar="CASEWAY_DATA",
        help="Folder that holds everything of this system: database, event log, objects, mails, logs.",
        file_okay=False,
        default_factory=default_data_dir,
        show_default="~/.local/share/caseway",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

STOP_PATIENCE = 90.0


def register(app: typer.Typer) -> None:
    app.command()(up)
    app.command()(down)
    app.command()(status)


def up(
    data: Data,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port of the one address; 8080, or the one this folder had before."),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when everything is ready; it goes on running.")
    ] = False,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="No demo profiles and example cases.")] = False,
) -> None:
    """Bring up the whole system on this machine: Kafka, MongoDB, Caddy, a mailbox and every service.

    Needs nothing installed and no rights. Everything listens on 127.0.0.1 only, and lives in one
    folder, so a later `caseway up` goes on where this one stopped. Ctrl-C stops it; a service that
    dies is started again.
    """
    from caseway_embedded.parts import kafka_jars

    console = Console()
    folder = DataDir(data)
    console.print(f"Starting Caseway in {folder.root}", highlight=False, soft_wrap=True)
    if not kafka_jars.present():
        console.print(f"  ({FIRST_START})", highlight=False)
    try:
        if detach:
            _up_detached(folder, port, not no_demo, console)
        else:
            _up_here(folder, port, not no_demo, console)
    except StackError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _up_here(data: DataDir, port: int | None, demo: bool, console: Console) -> None:
    # Imported here: the other commands should not wait a second for Kafka's and MongoDB's clients.
    from caseway_embedded.cli.example_cases import follow
    from caseway_embedded.supervisor import Supervisor

    following: list[asyncio.Task[None]] = []
    with Progress(console) as progress:

        def on_ready(url: str) -> None:
            progress.pause()
            _announce(console, data, url, progress.seconds)
            console.print("Ctrl-C stops it.")
            following.append(asyncio.get_running_loop().create_task(follow(console, data, url)))

        asyncio.run(Supervisor(data, progress.report, port=port, demo=demo).run(on_ready))
    console.print("Stopped.")


def _up_detached(data: DataDir, port: int | None, demo: bool, console: Console) -> None:
    if holder := data.holder():
        raise StackError(data.in_use_by(holder))
    data.create()
    argv = [sys.executable, "-m", "caseway_embedded.supervisor", "--data", str(data.root)]
    with data.log("supervisor").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [*argv, *(["--port", str(port)] if port else []), *([] if demo else ["--no-demo"])],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    with Progress(console) as progress:
        try:
            state = _follow(process, data, progress)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    _announce(console, data, state["url"], progress.seconds)
    console.print("It goes on running; `caseway down` stops it.")


def _follow(process: "subprocess.Popen[bytes]", data: DataDir, progress: Progress) -> dict[str, Any]:
    seen: dict[str, bool] = {}
    while True:
        ended = process.poll() is not None
        state = data.state()
        mine = state.get("supervisor") == process.pid
        if ended:
            raise StackError((mine and state["failure"]) or f"The start failed; see {data.log('supervisor')}.")
        for name, row in {**state["parts"], **state["services"]}.items() if mine else ():
            if name not in seen:
                progress.report(name, "starting", "")
            if row["ready"] and not seen.get(name):
                progress.report(name, "ready", f"{progress.seconds:.1f} s")
            seen[name] = row["ready"]
        if mine and state["ready"]:
            return state
        time.sleep(0.1)


def _announce(console: Console, data: DataDir, url: str, seconds: float) -> None:
    console.print(f"\nReady after {seconds:.0f} s.", highlight=False)
    console.print(f"  Portal   {url}", highlight=False, soft_wrap=True)
    customer = data.read_json("users.json").get("customer", {})
    console.print(f"  Sign-in  {customer.get('email')}  {customer.get('password')}", highlight=False, soft_wrap=True)
    console.print(f"  Mailbox  {data / 'mailbox'}", highlight=False, soft_wrap=True)
    console.print(f"  Logs     {data / 'logs'}", highlight=False, soft_wrap=True)


def down(data: Data) -> None:
    """Stop the system that runs on a data folder: services first, then Kafka and MongoDB. Nothing is lost."""
    folder = DataDir(data)
    holder = folder.holder()
    if holder is None:
        typer.echo(f"Nothing runs in {folder.root}.")
        return
    os.kill(holder, signal.SIGTERM)
    deadline = time.monotonic() + STOP_PATIENCE
    while folder.holder() == holder:
        if time.monotonic() > deadline:
            typer.echo(f"Process {holder} has not stopped after {STOP_PATIENCE:.0f} s.", err=True)
            raise typer.Exit(1)
        time.sleep(0.1)
    typer.echo("Stopped.")


def status(data: Data, as_json: AsJson = False) -> None:
    """What runs, where, and whether it is ready. Exit code 0 when all of it is, 1 otherwise."""
    folder = DataDir(data)
    seen = read_status(folder)
    if as_json:
        typer.echo(json.dumps(seen, indent=2))
    elif seen["url"]:
        _print_status(seen)
    else:
        typer.echo(f"Nothing runs in {folder.root}. Start it with `caseway up`.")
    raise typer.Exit(0 if seen["ready"] else 1)


def read_status(data: DataDir) -> dict[str, Any]:
    runs = data.holder() is not None
    state = data.state() if runs else {}
    return {
        "ready": bool(state.get("ready")),
        "url": state.get("url"),
        "mailbox": str(data / "mailbox"),
        "users": data.read_json("users.json"),
        "services": state.get("services", {}),
        "parts": state.get("parts", {}),
    }


def _print_status(seen: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "ready", "port", "pid"):
        table.add_column(column)
    for name, row in {**seen["parts"], **seen["services"]}.items():
        table.add_row(name, "yes" if row["ready"] else "[red]no[/]", str(row["port"]), str(row["pid"] or "-"))
    console = Console()
    console.print(f"{seen['url']}  {'ready' if seen['ready'] else 'not ready'}", highlight=False)
    console.print(f"mails in {seen['mailbox']}\n", highlight=False, soft_wrap=True)
    console.print(table)
