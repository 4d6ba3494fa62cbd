"""Works on the jobs of re-analysis, one piece at a time: what customers wait for now goes before."""

import asyncio
from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Literal
from uuid import UUID, uuid4

import structlog

from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.results import EvidenceReport
from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from caseway_kit.messaging import encode
from caseway_kit.objects import ObjectDamaged, ObjectMissing, Objects, new_salt
from sample_analysis.differences import Difference, compare
from sample_analysis.engine_client import Engines
from sample_analysis.examining import Examiner
from sample_analysis.findings import facts_of, hashes_of
from sample_analysis.neighbours import Neighbours
from sample_analysis.pieces import Piece, PieceRepository
from sample_analysis.reanalysis import Change, Job, JobRepository, Query
from sample_analysis.service import SERVICE
from sample_analysis.work import EvidenceWork, restated

LEASE = timedelta(seconds=15)  # who works on a job goes on holding it, however long one of its pieces takes
POLL_SECONDS = 2.0
BATCH = 20

log = structlog.get_logger()


class Reanalysis:
    """Each step can be done twice: a change is recorded, then those who sent the same bytes are looked after, then
    the change is stated, then the job's place moves on."""

    def __init__(
        self,
        *,
        jobs: JobRepository,
        pieces: PieceRepository,
        examiner: Examiner,
        engines: Engines,
        objects: Objects,
        neighbours: Neighbours,
        clock: Clock,
    ) -> None:
        self._neighbours = neighbours
        self._jobs = jobs
        self._pieces = pieces
        self._examiner = examiner
        self._engines = engines
        self._objects = objects
        self._clock = clock
        self._wake = asyncio.Event()

    async def ask(self, job: Job) -> Job:
        """Have a job done; the answer is the one that was asked for under this id first."""
        kept = await self._jobs.add(job)
        self._wake.set()
        return kept

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._wake.clear()
            try:
                worked = await self.work()
            except OutageError as outage:
                log.warning("re-analysis waits", part=outage.part)
                worked = False
            if not worked:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)

    async def work(self) -> bool:
        """Work on one job until it is done or somebody else holds it. False: there is none."""
        token, now = uuid4().hex, self._clock.now()
        job = await self._jobs.claim(token, now, now + LEASE)
        if job is None:
            return False
        holding = asyncio.create_task(self._hold(job.id, token))
        try:
            await self._work_on(job, token)
        finally:
            holding.cancel()
            with suppress(OutageError):
                await self._jobs.release(job.id, token)
        return True

    async def _hold(self, job_id: str, token: str) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 4)
            with suppress(OutageError):
                await self._jobs.hold(job_id, token, self._clock.now() + LEASE)

    async def _work_on(self, job: Job, token: str) -> None:
        looked_after: set[str] = set()
        async for piece in self._chosen(job.query, after=job.place):
            failed = await self._failed(job, piece, looked_after)
            changes = {"place": piece.id, "looked_at": job.looked_at + 1, "failed": job.failed + failed}
            job = job.model_copy(update=changes)
            if not await self._jobs.keep(job, token, self._clock.now() + LEASE):
                return
        now = self._clock.now()
        await self._jobs.keep(job.model_copy(update={"ended_at": now}), token, now)

    async def _chosen(self, query: Query, *, after: str = "") -> AsyncIterator[Piece]:
        while pieces := await self._pieces.stated(query, after=after, limit=BATCH):
            for piece in pieces:
                yield piece
            after = pieces[-1].id

    async def _failed(self, job: Job, piece: Piece, looked_after: set[str]) -> bool:
        """Look at a piece, and, where its verdict is another one, once at all that hold the same bytes."""
        try:
            look = await self._look(piece)
            if isinstance(look, _Look):
                await self._jobs.record(job.id, look.change)
                if job.query != Query():
                    for sha256 in sorted(look.turned() - looked_after):
                        await self._look_at_the_others(job, look, sha256)
                        looked_after.add(sha256)
                await self._promote(job, look)
        except OutageError:
            raise
        except Exception:
            # One piece must not keep a job from all others.
            log.exception("a piece cannot be looked at again", piece=piece.id, job=job.id)
            return True
        return look == "worse look"

    async def _look_at_the_others(self, job: Job, look: "_Look", sha256: str) -> None:
        async for other in self._chosen(Query(sha256=sha256)):
            if other.id == look.piece.id:
                continue
            theirs = await self._look(other)
            if isinstance(theirs, _Look):
                await self._jobs.record(job.id, theirs.change)
                await self._promote(job, theirs)

    async def _look(self, piece: Piece) -> "_Look | Literal['same', 'worse look']":
        assert piece.latest is not None, "only pieces about which something was stated are looked at again"
        said = EvidenceAnalyzed.model_validate_json(piece.latest.body)
        work = EvidenceWork.model_validate_json(piece.work or "").model_copy(update={"revision": said.revision + 1})
        crashes = count(1)

        async def count_crash() -> int:
            return next(crashes)

        try:
            before = await self._objects.get_json(said.report, EvidenceReport)
        except (ObjectMissing, ObjectDamaged):
            return "same"  # erased
        now = await self._examiner.report(work, salt=new_salt(), count_crash=count_crash)
        if now is None:
            return "same"
        if await self._erased(piece):
            await self._examiner.forget(work.object.sha256)
            return "same"
        difference = compare(before, now)
        if not isinstance(difference, Difference):
            return difference
        return _Look(piece, work, now, difference, now.engines or self._engines.versions)

    async def _promote(self, job: Job, look: "_Look") -> None:
        if job.dry_run:
            return
        work = look.work
        report = await self._neighbours.tell(look.report, work.account_id, until=look.piece.at)
        ref = await self._objects.put_json(f"cases/{work.key}/reports/{work.subject_id}/{work.revision}", report)
        analyzed = restated(
            work,
            EvidenceAnalyzed,
            origin=UUID(job.id),
            occurred_at=self._clock.now(),
            case_revision=work.case_revision,
            sha256=work.object.sha256,
            engines=look.engines,
            report=ref,
            previous_verdict=look.difference.before,
            **facts_of(report),
        )
        stated = encode(analyzed, source=SERVICE)
        if not await self._pieces.revise(look.piece.id, work.revision, stated, hashes=hashes_of(work, report)):
            # Erased meanwhile, or said by somebody who was quicker.
            await self._objects.delete(ref.key)
            if await self._erased(look.piece):
                await self._neighbours.erase(work.key)

    async def _erased(self, piece: Piece) -> bool:
        known = await self._pieces.find(piece.id)
        return known is None or known.erased


@dataclass(frozen=True)
class _Look:
    """A newer look at a piece that says otherwise than the one before."""

    piece: Piece
    work: EvidenceWork
    report: EvidenceReport
    difference: Difference
    engines: tuple[str, ...]

    @property
    def change(self) -> Change:
        return Change(
            piece_id=self.piece.id,
            sr_number=self.work.key,
            account_id=self.work.account_id,
            evidence_id=self.work.subject_id,
            kind=self.work.kind,
            sha256=self.work.object.sha256,
            revision=self.work.revision,
            difference=self.difference,
            engines=self.engines,
        )

    def turned(self) -> AbstractSet[str]:
        """The hashes of the bytes whose verdict is another one."""
        own = {self.work.object.sha256} if self.difference.before != self.difference.now else set()
        return own | {turn.sha256 for turn in self.difference.inside}
