"""What the same account sent before that a new file is nearly the same as. Nothing of another account is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from caseway_contracts.kinds import Verdict
from caseway_contracts.results import EvidenceReport, FileResult, Reason
from caseway_kit.errors import OutageError
from caseway_kit.sandbox import Budget, SandboxError, SandboxUnavailable

NEAREST = "sample_analysis.engines.near:nearest_of"
BUDGET = Budget(wall_seconds=20, cpu_seconds=10)
FILES_OF_A_PIECE = 50
EARLIER_FILES = 1000
RULE = "near-earlier-file"


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

    async def latest(self, account_id: str, *, but_in: str, until: datetime, limit: int) -> Sequence[Neighbour]:
        """What the account sent last in other cases, the newest first; the same file of the same case once."""

    async def keep(self, neighbours: Sequence[Neighbour]) -> None:
        """Of one that is there already, what is said about it now is kept."""

    async def erase(self, sr_number: str) -> None: ...


class Sandbox(Protocol):
    """What we use of the kit's sandbox."""

    async def run(self, function: str, *args: object, sample: Path | None = None, budget: Budget = ...) -> Any: ...


class Neighbours:
    def __init__(self, *, repository: NeighbourRepository, sandbox: Sandbox) -> None:
        self._repository = repository
        self._sandbox = sandbox

    async def tell(self, report: EvidenceReport, account_id: str, *, until: datetime) -> EvidenceReport:
        """The report with what is near to each of its files, which are kept for those that come later.

        ``until``: when the piece came. What it is near to came before and in another case, however often it is told.
        """
        files = [file for file in report.files if file.tlsh and file.sha256][:FILES_OF_A_PIECE]
        if not files:
            return report
        known = await self._repository.latest(account_id, but_in=report.sr_number, until=until, limit=EARLIER_FILES)
        near = await self._near(files, known) if known else {}
        await self._repository.keep([_neighbour(file, report, account_id, until) for file in files])
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


def _neighbour(file: FileResult, report: EvidenceReport, account_id: str, at: datetime) -> Neighbour:
    return Neighbour(
        sr_number=report.sr_number,
        account_id=account_id,
        sha256=file.sha256 or "",
        tlsh=file.tlsh or "",
        verdict=file.verdict,
        at=at,
    )


def _reason(distance: int, earlier: Neighbour) -> Reason:
    says = (
        f"Nearly the same (TLSH distance {distance}) as a file that you sent with {earlier.sr_number};"
        f" the verdict about that one: {earlier.verdict.replace('_', ' ')}."
    )
    return Reason(engine="tlsh", version="4", rule=RULE, where=earlier.sr_number, says=says)
