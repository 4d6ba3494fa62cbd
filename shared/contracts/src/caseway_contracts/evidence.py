"""A piece of evidence as an event names it: ids, hashes, sizes. Its words stand in the case's sheet."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from caseway_contracts.base import OTHER, Contract, ObjectRef

Id = Annotated[str, Field(min_length=1, max_length=128)]


class FileEvidence(Contract):
    """An attachment: a file or an archive of files."""

    id: Id
    kind: Literal["file"] = "file"
    object: ObjectRef


class EmailEvidence(Contract):
    """An attachment that holds original mails, and nothing else."""

    id: Id
    kind: Literal["email"] = "email"
    object: ObjectRef


class AttkLogEvidence(Contract):
    """An attachment that holds the log package of the Anti-Threat Toolkit."""

    id: Id
    kind: Literal["attk_log"] = "attk_log"
    object: ObjectRef


class UrlEvidence(Contract):
    """A URL that the customer typed; the object is the sheet that holds it."""

    id: Id
    kind: Literal["url"] = "url"
    object: ObjectRef


class OtherEvidence(Contract):
    """A kind that was added after this reader was deployed."""

    id: Id
    kind: Annotated[str, Field(min_length=1, max_length=64)]
    object: ObjectRef


KNOWN_KINDS = ("file", "email", "attk_log", "url")


def _kind(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) and kind in KNOWN_KINDS else OTHER


Evidence = Annotated[
    Annotated[FileEvidence, Tag("file")]
    | Annotated[EmailEvidence, Tag("email")]
    | Annotated[AttkLogEvidence, Tag("attk_log")]
    | Annotated[UrlEvidence, Tag("url")]
    | Annotated[OtherEvidence, Tag(OTHER)],
    Discriminator(_kind),
]
