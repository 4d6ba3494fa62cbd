"""The topics, from ``topics/*.yaml``: who writes and who reads each, and what the broker is told about it."""

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

DLQ, RETRY = "-dlq", "-retry"


class Topic(BaseModel):
    """A topic as its file declares it; one without events is internal to its producer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    events: tuple[str, ...]
    versions: tuple[int, ...]
    producer: str
    consumers: tuple[str, ...]
    key: Literal["sr_number", "account_id", "evidence_id", "original"]
    partitions: Annotated[int, Field(ge=1)]
    config: dict[str, str]

    @property
    def parks(self) -> bool:
        """Whether it holds what the kit parked or gave back, and not what a service's own code states."""
        return self.name.endswith((DLQ, RETRY))


def read(name: str, text: str) -> Topic:
    return Topic.model_validate({**yaml.safe_load(text), "name": name})


@cache
def topics() -> tuple[Topic, ...]:
    """Every topic there is, by name. Brokers get exactly these; nothing is created by itself."""
    folder = files("caseway_contracts") / "topics"
    found = {entry.name.removesuffix(".yaml"): entry for entry in folder.iterdir() if entry.name.endswith(".yaml")}
    return tuple(read(name, found[name].read_text(encoding="utf-8")) for name in sorted(found))


def topic(name: str) -> Topic:
    return next(known for known in topics() if known.name == name)
