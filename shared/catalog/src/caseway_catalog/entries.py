"""What every entry of the catalogue has in common."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$", max_length=64)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Verdict = Literal["malicious", "suspicious", "clean", "unknown", "not_analyzed"]


class Data(BaseModel):
    """A part of the catalogue; ``source`` says that we chose it because no public document states it."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    source: Annotated[Literal["ours"] | None, Field(exclude=True)] = None


class Entry(Data):
    """A part that others refer to by its slug."""

    slug: Slug
    label: Label


class UnknownEntry(KeyError):
    """The catalogue has no such entry."""

    def __init__(self, what: str, slug: object) -> None:
        super().__init__(f"The catalogue has no {what} {slug!r}.")
