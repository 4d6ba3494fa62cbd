"""What the same account sent before that a new file is nearly the same as. Nothing of another account is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from caseway_contracts.kinds import Verdict
from caseway_contracts.results import EvidenceReport, FileResult, Reason
from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from caseway_kit.sandbox import Budget, SandboxError, SandboxUnavailable

NEAREST = "sample_analysis.engines.near:nearest_of"
BUDGET = Budget(wall_seconds=20, cpu_seconds=10)
FILES_OF_A_PIECE = 50
EARLIER_FILES = 1000


@dataclass(frozen=True)
class Neighbour:
    """A file that an account sent, by facts alone."""

    sr_number: str
    account_id: str
    sha256: str
    tlsh: str
    verdict: Verdict
    at: datetime


class NeighbourRepository(Protocol):
    """Every method raises OutageError."""

    async def latest(self, account_id: str, *, limit: int) -> Sequence[Neighbour]:
        """What the account sent last, the newest first; the same file of the same case once."""

    async def add(self, neighbours: Sequence[Neighbour]) -> None:
        """Keep those that are not there yet."""

    async def erase(self, sr_number: str) -> None: ...


class Sandbox(Protocol):
    """What we use of the kit's sandbox."""

    async def run(self, function: str, *args: object, sample: Path | None = None, budget: Budget = ...) -> Any: ...


class Neighbours:
    def __init__(self, *, repository: NeighbourRepository, sandbox: Sandbox, clock: Clock) -> None:
        self._repository = repository
        self._sandbox = sandbox
        self._clock = clock

    async def tell(self, report: EvidenceReport, account_id: str) -> EvidenceReport:
        """The report with what is near to each of its files, which are kept for those that come later."""
        files = [file for file in report.files if file.tlsh and file.sha256][:FILES_OF_A_PIECE]
        if not files:
            return report
        known = await self._repository.latest(account_id, limit=EARLIER_FILES)
        near = await self._near(files, known) if known else {}
        await self._repository.add([self._neighbour(file, report, account_id) for file in files])
        told = [
            file.model_copy(update={"reasons": (*file.reasons, near[file.id])}) if file.id in near else file
            for file in report.files
        ]
        return report.model_copy(update={"files": tuple(told)})

    async def erase(self, sr_number: str) -> None:
        await self._repository.erase(sr_number)

    async def _near(self, files: Sequence[FileResult], known: Sequence[Neighbour]) -> dict[str, Reason]:
        mine = [[file.tlsh, file.sha256] for file in files]
        earlier = [[one.tlsh, one.sha256] for one in known]
        try:
            found = await self._sandbox.run(NEAREST, mine, earlier, budget=BUDGET)
        except SandboxUnavailable as error:
            raise OutageError("sandbox", str(error)) from error
        except SandboxError:
            return {}
        reasons = {}
        for file, nearest in zip(files, found, strict=True):
            if nearest is not None:
                distance, place = nearest
                reasons[file.id] = _reason(distance, known[place])
        return reasons

    def _neighbour(self, file: FileResult, report: EvidenceReport, account_id: str) -> Neighbour:
        return Neighbour(
            sr_number=report.sr_number,
            account_id=account_id,
            sha256=file.sha256 or "",
            tlsh=file.tlsh or "",
            verdict=file.verdict,
            at=self._clock.now(),
        )


def _reason(distance: int, earlier: Neighbour) -> Reason:
    says = (
        f"Nearly the same (TLSH distance {distance}) as a file that you sent with {earlier.sr_number};"
        f" the verdict about that one: {earlier.verdict.replace('_', ' ')}."
    )
    return Reason(engine="tlsh", version="4", rule="near-earlier-file", where=earlier.sr_number, says=says)
