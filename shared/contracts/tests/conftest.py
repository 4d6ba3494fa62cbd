import json
from collections.abc import Callable
from typing import Any

import pytest

from caseway_contracts.topics import Topic, read

CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "compression.type": "lz4",
    "max.message.bytes": "1048576",
}


@pytest.fixture
def make_topic() -> Callable[..., Topic]:
    def make(name: str = "routes", **changed: Any) -> Topic:
        declared = {
            "description": "A topic.",
            "events": [],
            "versions": [],
            "producer": "routing",
            "consumers": [],
            "key": "sr_number",
            "partitions": 8,
            "config": CONFIG,
        }
        return read(name, json.dumps(declared | changed))

    return make


@pytest.fixture
def make_model() -> Callable[..., dict[str, Any]]:
    """A JSON Schema of an object with these properties, as pydantic writes it."""

    def make(*required: str, defs: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
        schema = {"type": "object", "title": "Model", "properties": properties, "required": list(required)}
        return schema | ({"$defs": defs} if defs else {})

    return make


@pytest.fixture
def make_document() -> Callable[..., dict[str, Any]]:
    """An AsyncAPI document as FastStream writes it: channel ids hold handler names, escaped where referred to."""

    def make(*, sends: tuple[str, ...] = (), receives: tuple[str, ...] = ()) -> dict[str, Any]:
        channels = {f"{topic}:Publisher": {"address": topic} for topic in sends}
        channels |= {f"{topic}:OnEvent": {"address": topic} for topic in receives}
        operations = {}
        for topic in sends:
            operations[f"{topic}:Publisher"] = _operation("send", f"{topic}:Publisher")
        for topic in receives:
            operations[f"{topic}:OnEventSubscribe"] = _operation("receive", f"{topic}:OnEvent")
        return {"asyncapi": "3.0.0", "channels": channels, "operations": operations}

    return make


def _operation(action: str, channel: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel.replace('*', '%2A')}"}}
