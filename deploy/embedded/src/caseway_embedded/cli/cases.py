"""Commands for cases: submit, look, update, close."""

import json
import time
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from caseway_embedded.cli.client import TIMED_OUT, Api, show, stop
from caseway_embedded.cli.printing import harmless, shown
from caseway_embedded.cli.results import print_case
from caseway_embedded.cli.submission import attachments_from, fields_from, issue_type_of, profile_named

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Sr = Annotated[str, typer.Argument(metavar="SR", help="The case's SR number.")]
Comment = Annotated[str | None, typer.Option(help="What to say.")]
Key = Annotated[str | None, typer.Option(help="The same key with the same content makes one case, however often.")]
Files = Annotated[
    list[str] | None,
    typer.Option("--file", metavar="FILE[::PASSWORD]", help="A file to attach, with the password that opens it."),
]
Urls = Annotated[list[str] | None, typer.Option("--url", help="A URL to have looked at.")]
Severity = Annotated[
    str | None, typer.Option(help="low, medium, high or critical; the last two need --business-impact.")
]
Impact = Annotated[str | None, typer.Option(help="What the trouble does to your business.")]

POLL_SECONDS = 0.3


def register(app: typer.Typer) -> None:
    for command in (submit, case, cases, update, close, reopen, escalate):
        app.command()(command)


def submit(
    profile: Annotated[str, typer.Option(metavar="ID-OR-NAME", help="The product profile that the case is about.")],
    subject: Annotated[str, typer.Option(help="A short title.")],
    description: Annotated[str, typer.Option(help="What happened.")],
    category: Annotated[str | None, typer.Option(help="As in the catalogue; left out: a change control case.")] = None,
    severity: Severity = "medium",
    business_impact: Impact = None,
    file: Files = None,
    url: Urls = None,
    cc: Annotated[list[str] | None, typer.Option(help="An address that gets the case's mails too.")] = None,
    field: Annotated[
        list[str] | None, typer.Option(metavar="K=V or K:=JSON", help="A field of the category's form.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the analysis is complete.")] = False,
    timeout: Annotated[float, typer.Option(metavar="S", help="How long --wait waits, in seconds.")] = 300,
    idempotency_key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Open a case and print its SR number.

    Put suspicious files in an archive with a password: `--file sample.zip::infected`.
    """
    api = Api()
    chosen = profile_named(api, profile)
    body = {
        "profile_id": chosen["id"],
        "profile_revision": chosen["revision"],
        "affected_operating_systems": chosen["operating_systems"],
        "issue_type": issue_type_of(api, category),
        "category": category,
        "subject": subject,
        "description": description,
        "severity": severity,
        "cc": cc or [],
        "contact": {"method": "email"},
        "fields": fields_from(field or []),
        "attachments": attachments_from(api, file or [], quiet=as_json),
        "urls": [{"url": one} for one in url or []],
    }
    if business_impact:
        body["business_impact"] = business_impact
    opened = api.post("/cases", body, key=idempotency_key)
    sr = opened["sr_number"]
    if wait:
        opened = wait_until_complete(api, sr, timeout)
    if as_json:
        show(opened)
    else:
        typer.echo(sr)
        if wait:
            print_case(Console(), opened)


def wait_until_complete(api: Api, sr: str, timeout: float) -> Any:
    deadline = time.monotonic() + timeout
    try:
        while True:
            found = api.get(f"/cases/{sr}", until=deadline)
            if found["analysis"]["complete"]:
                return found
            time.sleep(POLL_SECONDS)
    except TimeoutError:
        typer.echo(sr)
        stop(f"The analysis of {sr} is not complete after {timeout:g} s; it goes on.", TIMED_OUT)


def case(
    sr: Sr,
    watch: Annotated[bool, typer.Option("--watch", help="Print what happens, until the analysis is complete.")] = False,
    as_json: AsJson = False,
) -> None:
    """A case with all that is known about it."""
    api = Api()
    if watch:
        watch_case(api, sr)
    found = api.get(f"/cases/{sr}")
    if as_json:
        show(found)
    else:
        print_case(Console(), found)


def watch_case(api: Api, sr: str) -> None:
    """Until the analysis is complete; a stream that ends before is taken up again where it was."""
    last: dict[str, str] = {}
    while not api.get(f"/cases/{sr}")["analysis"]["complete"]:
        try:
            if _print_events(api, sr, last):
                return
        except httpx.HTTPError:
            pass
        time.sleep(POLL_SECONDS)


def _print_events(api: Api, sr: str, last: dict[str, str]) -> bool:
    """True when the analysis is complete. Raises HTTPError; ``last`` then tells where to go on."""
    timeout = httpx.Timeout(60, read=None)
    with api.http.stream("GET", f"/cases/{sr}/events", headers=last, timeout=timeout) as stream:
        stream.raise_for_status()
        event = ""
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            elif name == "id":
                last["Last-Event-ID"] = value
            elif name == "data" and event == "timeline":
                item = json.loads(value)
                typer.echo(f"{item['at'][11:19]}  {harmless(item['says'])}")
            elif name == "data" and event == "complete":
                return True
    return False


def cases(
    status: Annotated[str | None, typer.Option(help="Only cases of this status.")] = None,
    category: Annotated[str | None, typer.Option(help="Only cases of this category.")] = None,
    q: Annotated[str | None, typer.Option(help="Only cases whose number or subject holds these words.")] = None,
    limit: Annotated[int, typer.Option(help="How many at the most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Your account's cases, the newest first."""
    api = Api()
    found: list[Any] = []
    for one in api.pages("/cases", status=status, category=category, q=q, limit=min(limit, 200)):
        if len(found) == limit:
            break
        found.append(one)
    if as_json:
        return show(found)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("SR number", "status", "severity", "category", "subject"):
        table.add_column(column)
    for one in found:
        table.add_row(one["sr_number"], one["status"], one["severity"], one["category"] or "", shown(one["subject"]))
    return Console().print(table)


def update(
    sr: Sr,
    comment: Comment = None,
    file: Files = None,
    url: Urls = None,
    cc: Annotated[list[str] | None, typer.Option(help="An address that gets the case's mails from now on.")] = None,
    severity: Severity = None,
    business_impact: Impact = None,
    idempotency_key: Key = None,
) -> None:
    """Add to a case: words, files, URLs, recipients, another urgency."""
    api = Api()
    body = {
        "comment": comment,
        "attachments": attachments_from(api, file or [], quiet=False),
        "urls": [{"url": one} for one in url or []],
        "add_cc": cc or [],
        "severity": severity,
        "business_impact": business_impact,
    }
    given = {name: value for name, value in body.items() if value}
    typer.echo(api.post(f"/cases/{sr}/updates", given, key=idempotency_key)["update_id"])


def close(sr: Sr, comment: Comment = None) -> None:
    """Close a case."""
    typer.echo(Api().post(f"/cases/{sr}/close", {"comment": comment} if comment else {})["update_id"])


def reopen(sr: Sr, comment: Annotated[str, typer.Option(help="Why.")]) -> None:
    """Reopen a closed case."""
    typer.echo(Api().post(f"/cases/{sr}/reopen", {"comment": comment})["update_id"])


def escalate(
    sr: Sr,
    type: Annotated[str, typer.Option(help="An escalation type of the catalogue.")],  # noqa: A002 - the option's name
    comment: Annotated[str, typer.Option(help="Why.")],
) -> None:
    """Ask for more than the ordinary course."""
    typer.echo(Api().post(f"/cases/{sr}/escalate", {"type": type, "comment": comment})["update_id"])
