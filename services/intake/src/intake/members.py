"""Files that stand inside a submitted archive, taken out again when somebody wants them in a case of their own."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from caseway_contracts.base import ObjectRef
from caseway_kit.errors import OutageError
from caseway_kit.objects import ObjectDamaged, ObjectMissing, Objects
from caseway_kit.sandbox import Budget, Sandbox, SandboxUnavailable
from caseway_kit.sandbox.errors import SandboxError

TAKE = "intake.taking:take"
BUDGET = Budget(wall_seconds=25, cpu_seconds=25)

log = structlog.get_logger()


@dataclass(frozen=True)
class Source:
    """The archive that was submitted."""

    evidence_id: str
    name: str
    object: ObjectRef
    passwords: Sequence[str]


@dataclass(frozen=True)
class Taken:
    """A protected zip of those that were found; None when there are none."""

    zip: bytes | None
    found: frozenset[str]
    too_much: bool = False


class Members(Protocol):
    async def take(self, source: Source, wanted: Sequence[str]) -> Taken:
        """What of ``wanted``, named by its ids in the case, stands in ``source``; raises OutageError."""


class SandboxMembers:
    def __init__(self, sandbox: Sandbox, objects: Objects, scratch: Path) -> None:
        self._sandbox = sandbox
        self._objects = objects
        self._scratch = scratch

    async def take(self, source: Source, wanted: Sequence[str]) -> Taken:
        path = self._scratch / f"take-{secrets.token_hex(8)}"
        sha256 = source.object.sha256
        try:
            await self._objects.fetch(source.object.key, path, sha256)
            given = (source.name, sha256, source.evidence_id, list(wanted), list(source.passwords))
            answer = await self._sandbox.run(TAKE, *given, sample=path, budget=BUDGET)
        except (ObjectMissing, ObjectDamaged, SandboxError) as error:
            log.warning("nothing was taken out of a piece", piece=source.evidence_id, error=type(error).__name__)
            return Taken(None, frozenset())
        except SandboxUnavailable as error:
            raise OutageError("sandbox", str(error)) from error
        except OSError as error:
            raise OutageError("scratch space", type(error).__name__) from error
        finally:
            path.unlink(missing_ok=True)
        packed = answer["zip"]
        zipped = None if packed is None else base64.b64decode(packed)
        return Taken(zipped, frozenset(answer["found"]) & frozenset(wanted), bool(answer["too_much"]))
