"""What every event is made of. Identity, cause, type and version stand in the body, so that a dump, an export and
a dead letter are complete without headers."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Self, get_args
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, Discriminator, Field


class Contract(BaseModel):
    """Shared between services: frozen, and tolerant of fields that a newer writer added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ObjectRef(Contract):
    """An immutable object in the store, named by its key and checked by its hash."""

    key: Annotated[str, Field(min_length=1, max_length=512)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]


class Event(Contract):
    """A fact that one service states about one subject."""

    topic: ClassVar[str]

    event_id: UUID
    type: str
    version: Annotated[int, Field(ge=1)]
    occurred_at: AwareDatetime
    key: Annotated[str, Field(min_length=1, max_length=64)]
    account_id: Annotated[str, Field(min_length=1, max_length=64)]
    subject_id: Annotated[str, Field(min_length=1, max_length=128)]
    revision: Annotated[int, Field(ge=1)]
    caused_by: UUID | None = None

    @classmethod
    def following(
        cls, cause: "Event", *, subject_id: str, occurred_at: datetime, revision: int = 1, **facts: object
    ) -> Self:
        """An event derived from ``cause``: the same cause, subject and revision always yield the same id."""
        name = cls.model_fields["type"].default
        return cls.model_validate(
            {
                **facts,
                "event_id": uuid5(cause.event_id, f"{name}/{subject_id}/{revision}"),
                "occurred_at": occurred_at,
                "caused_by": cause.event_id,
                "key": cause.key,
                "account_id": cause.account_id,
                "subject_id": subject_id,
                "revision": revision,
            }
        )


class UnknownEvent(Event):
    """An event of a type that was added to the topic after this reader was deployed."""


OTHER = "other"


def by_type(*known: type[Event]) -> Discriminator:
    """Discriminator of a topic's union; a type that is not ``known`` goes to the member tagged :data:`OTHER`."""
    names = {type_name(event) for event in known}

    def discriminate(value: Any) -> str:
        name = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
        return name if isinstance(name, str) and name in names else OTHER

    return Discriminator(discriminate)


def type_name(event: type[Event]) -> str:
    return str(event.model_fields["type"].default)


def members(union: Any) -> tuple[type[Event], ...]:
    """The event classes of a topic's union, without :class:`UnknownEvent`."""
    classes = (get_args(member)[0] for member in get_args(get_args(union)[0]))
    return tuple(cls for cls in classes if cls is not UnknownEvent)
