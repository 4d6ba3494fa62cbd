"""Results that are used again: the same bytes, opened in the same way by the same engines, say the same.

The engines know a piece by an id that is made from its hash. What they found is given the ids of a submitted piece
afterwards, so that a result that is used again reads exactly like one that was made for that piece.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol
from uuid import NAMESPACE_OID, NAMESPACE_URL, UUID, uuid5

from caseway_contracts.results import EvidenceReport

Found = Mapping[str, Any]

# Limits of time, and of the room that others leave: how far the engines got until then is another story each time.
TIMED = re.compile(r"(^|[-_])(time|seconds|timeout)([-_]|$)|^(?:scratch-space|antivirus-failed)$")


class ResultRepository(Protocol):
    """What the engines found, by the key of :func:`result_key`. Every method raises OutageError."""

    async def find(self, key: str) -> Found | None: ...

    async def keep(self, key: str, sha256: str, found: Found) -> None:
        """Keep a result; one that is there already is the same, and a very large one is not kept."""

    async def forget(self, hashes: Collection[str]) -> None:
        """Forget every result of these bytes."""


def result_key(
    sha256: str, *, kind: str, name: str, passwords: Sequence[str], engines: Sequence[str], budget: Mapping[str, Any]
) -> str:
    """All that a result can depend on. A name is part of it, as the engines judge what it pretends: so nobody is ever
    given a result that holds another name than the one that they sent."""
    parts = [sha256, kind, name, list(passwords), sorted(engines), sorted(budget.items())]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def root_id(sha256: str) -> str:
    """The id under which the engines know these bytes."""
    return str(uuid5(NAMESPACE_OID, sha256))


def rooted(found: Found, root: str, evidence_id: str) -> dict[str, Any]:
    """``found`` with the ids that its parts have inside the piece ``evidence_id``: always the same ones."""
    space = _space(evidence_id)
    ids = {one: str(uuid5(space, one)) for one in _identified(found)} | {root: evidence_id}
    return {
        name: [_renamed(one, ids) if isinstance(one, Mapping) else one for one in value] if _is_list(value) else value
        for name, value in found.items()
    }


def repeatable(report: EvidenceReport) -> bool:
    """Whether the same would be found again: not where the time that was left had a say."""
    return not any(TIMED.search(limit.limit) for file in report.files for limit in file.limits)


def _space(evidence_id: str) -> UUID:
    try:
        return UUID(evidence_id)
    except ValueError:
        return uuid5(NAMESPACE_URL, evidence_id)


def _identified(found: Found) -> Iterator[str]:
    """The ids of the results. What comes out of a child may have any shape; whether it is a report is seen later."""
    for value in found.values():
        for one in value if _is_list(value) else ():
            if isinstance(one, Mapping) and isinstance(one.get("id"), str):
                yield one["id"]


def _renamed(one: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """Ids stand in a result's own fields, one by one or as a list; names that read like one are none of ours."""
    return {field: _renamed_value(value, ids) for field, value in one.items()}


def _renamed_value(value: Any, ids: Mapping[str, str]) -> Any:
    if _is_list(value):
        return [ids.get(one, one) if isinstance(one, str) else one for one in value]
    return ids.get(value, value) if isinstance(value, str) else value


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
