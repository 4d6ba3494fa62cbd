"""Windows event logs (``.evtx``) that ride along in a package: the few events that a person should look at."""

import io
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

from evtx import PyEvtxParser

from caseway_contracts.results import Finding
from caseway_kit.archives import Content
from sample_analysis.engines import command_lines

MAGIC = b"ElfFile\x00"
EVENTS_READ = 200_000
FAILED_LOGONS = 50
_TICK_EVENTS = 256

_CLEARED = frozenset({("microsoft-windows-eventlog", 1102), ("microsoft-windows-eventlog", 104)})


class Stopped(Exception):
    """The log is damaged at this place; what stands before was read."""


def findings(content: Content, tick: Callable[[], None]) -> Iterator[Finding | None]:
    """One of each event read, None for those that say nothing; raises Stopped where the log can't be read on."""
    failed = 0
    for number, event in enumerate(_events(content)):
        if number % _TICK_EVENTS == 0:
            tick()
        if number >= EVENTS_READ:
            raise Stopped
        finding = _judge(event)
        failed += _event_id(event) == 4625
        if failed == FAILED_LOGONS and _event_id(event) == 4625:
            finding = Finding(rule="failed-logons", says=f"At least {FAILED_LOGONS} sign-ins failed (event 4625).")
        yield finding


def _judge(event: dict[str, Any]) -> Finding | None:
    provider = str(_at(event, "System", "Provider", "#attributes", "Name") or "").lower()
    number = _event_id(event)
    data = {key.lower(): str(value) for key, value in _data(event).items() if value is not None}
    if (provider, number) in _CLEARED:
        return Finding(rule="log-cleared", says=f"An event log was cleared (event {number}).")
    if number in (1116, 1117) and "defender" in provider:
        says = f"Microsoft Defender found {data.get('threat name', 'a threat')[:200]} (event {number})."
        return Finding(rule="antivirus-detection", says=says, where=data.get("path", "")[:1024])
    command = {4688: "commandline", 4104: "scriptblocktext", 7045: "imagepath"}.get(number)
    if command is None or not command_lines.is_suspicious(data.get(command, "")):
        return None
    where = data[command][:1024]
    if number == 7045:
        says = f"A service was installed that starts a suspicious command: {data.get('servicename', '')[:200]}."
        return Finding(rule="suspicious-service", says=says, where=where)
    if number == 4688:
        says = "A process was started by a suspicious command (event 4688)."
    else:
        says = "PowerShell ran a script that decodes or downloads code (event 4104)."
    return Finding(rule="suspicious-command", says=says, where=where)


def _events(content: Content) -> Iterator[dict[str, Any]]:
    """The parser is native code behind a Python class: its panics derive from BaseException."""
    with _opened(content) as file:
        try:
            parser = iter(PyEvtxParser(file, number_of_threads=1).records_json())
        except (RuntimeError, OSError, ValueError) as error:
            raise Stopped from error
        while True:
            try:
                record: Any = next(parser)
                event = json.loads(record["data"]).get("Event")
            except StopIteration:
                return
            except (RuntimeError, OSError, ValueError, RecursionError) as error:
                raise Stopped from error
            except BaseException as panic:
                if type(panic).__name__ != "PanicException":
                    raise
                raise Stopped from panic
            if isinstance(event, dict):
                yield event


def _opened(content: Content) -> Any:
    return io.BytesIO(content.data) if content.data is not None else os.fdopen(os.dup(content.fd), "rb")


def _event_id(event: dict[str, Any]) -> int:
    value = _at(event, "System", "EventID")
    if isinstance(value, dict):
        value = value.get("#text")
    return int(value) if str(value).isascii() and str(value).isdigit() else -1


def _data(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("EventData") or next(iter((event.get("UserData") or {}).values()), None)
    return data if isinstance(data, dict) else {}


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
