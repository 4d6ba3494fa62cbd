"""Examples are golden: at least one for every event, each read by its topic's union and by its own class."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from caseway_contracts.base import Event
from caseway_contracts.gates.finding import Finding
from caseway_contracts.registry import UNIONS, events_of, union_of


def examples_parse(examples: Mapping[str, bytes]) -> list[Finding]:
    """``examples`` maps ``<topic>/<Type>/v<version>/<name>.json`` to the bytes of the file."""
    return [Finding(path, says) for path in sorted(examples) if (says := _trouble(path, examples[path])) is not None]


def every_event_has_one(examples: Mapping[str, bytes]) -> list[Finding]:
    shown = {tuple(path.split("/")[:3]) for path in examples}
    owed = [
        (topic, name, f"v{event.model_fields['version'].default}")
        for topic in UNIONS
        for name, event in events_of(topic).items()
    ]
    return [Finding("/".join(folder), "has no example") for folder in owed if folder not in shown]


def _trouble(path: str, raw: bytes) -> str | None:
    parts = path.split("/")
    if len(parts) != 4 or not path.endswith(".json"):
        return "is not named <topic>/<Type>/v<version>/<name>.json"
    topic, name, version, _ = parts
    event = events_of(topic).get(name)
    if event is None:
        return f"is an orphan: no event {name} on a topic {topic}"
    try:
        parsed = event.model_validate_json(raw)
        by_union = TypeAdapter[Event](union_of(topic)).validate_json(raw)
    except ValidationError as error:
        first = error.errors()[0]
        return f"does not parse: {'/'.join(map(str, first['loc']))}: {first['msg']}"
    if version != f"v{parsed.version}":
        return f"is of version {parsed.version}"
    if by_union != parsed:
        return f"is read as {type(by_union).__name__} by the union of {topic}"
    written = parsed.model_dump_json()
    if event.model_validate_json(written) != parsed:
        return "does not survive being written and read again"
    return _lost(json.loads(raw), json.loads(written), "")


def _lost(stated: Any, kept: Any, where: str) -> str | None:
    """What the example states and the class drops or changes; what the class adds are defaults of later fields."""
    if isinstance(stated, dict) and isinstance(kept, dict):
        pairs = [(stated[key], kept.get(key, _ABSENT), f"{where}/{key}") for key in stated]
    elif isinstance(stated, list) and isinstance(kept, list) and len(stated) == len(kept):
        pairs = [(a, b, f"{where}/{n}") for n, (a, b) in enumerate(zip(stated, kept, strict=True))]
    else:
        return None if stated == kept else f"{where} is {stated!r} here and {kept!r} once read and written"
    return next((says for pair in pairs if (says := _lost(*pair)) is not None), None)


_ABSENT = object()
