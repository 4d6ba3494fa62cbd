"""Plans the work that a case event brings, analyses one piece after the other, and states what was found."""

from collections.abc import Sequence
from dataclasses import replace

from caseway_contracts.analyses import EvidenceAnalyzed, EvidenceDelayed
from caseway_contracts.base import Event
from caseway_contracts.cases import CaseErased
from caseway_contracts.results import EvidenceReport, Limit
from caseway_kit.clock import Clock
from caseway_kit.errors import InvalidEvent
from caseway_kit.faults import fault_point
from caseway_kit.messaging import Encoded, encode, event_digest
from caseway_kit.objects import Objects
from sample_analysis.engine_client import Engines
from sample_analysis.examining import Examiner, Words
from sample_analysis.findings import facts_of, hashes_of, not_analyzed
from sample_analysis.neighbours import Neighbours
from sample_analysis.pieces import Piece, PieceRepository
from sample_analysis.reuse import ResultRepository
from sample_analysis.work import BULK, BringsEvidence, EvidenceWork, stated_about, work_topic, works_of

SERVICE = "sample-analysis"
# A case goes on the lanes of its kinds, with as many pieces as a case may have, when fewer than so many of its account
# wait; what is beyond goes on the bulk lane.
MOST_OF_A_CASE = 20
FEW_WAITING = 6


class SampleAnalysis:
    def __init__(
        self,
        *,
        pieces: PieceRepository,
        results: ResultRepository,
        objects: Objects,
        examiner: Examiner,
        engines: Engines,
        neighbours: Neighbours,
        clock: Clock,
    ) -> None:
        self._neighbours = neighbours
        self._pieces = pieces
        self._results = results
        self._objects = objects
        self._engines = engines
        self._clock = clock
        self._examiner = examiner

    async def plan(self, event: BringsEvidence) -> Sequence[Encoded]:
        """The work that a case event brings; a redelivered one gives the same work again, on the same lanes."""
        works = works_of(event)
        if not works:
            return []
        digest = event_digest(event)
        lanes = await self._lanes(event, digest)
        missing = [work for work in works if work.subject_id not in lanes]
        if missing:
            planned = await self._planned(missing, digest)
            if await self._pieces.add(planned):
                lanes |= {piece.evidence_id: piece.lane for piece in planned}
            else:  # another delivery of the same event was quicker, or the pieces are not its own
                lanes = await self._lanes(event, digest)
        if not lanes.keys() >= {work.subject_id for work in works}:
            raise InvalidEvent("a piece that another case event has brought")
        return [_encoded(work, lanes[work.subject_id]) for work in works]

    async def analyze(self, work: EvidenceWork) -> Sequence[Encoded]:
        """A piece that is redelivered costs no second analysis, but what was stated about it goes out again."""
        fault_point("K6")
        piece = await self._kept(work)
        if piece.stated is not None:
            return [piece.stated]
        report = None
        if not piece.erased:
            report = await self._examiner.report(
                work, salt=piece.salt, count_crash=lambda: self._pieces.count_crash(piece.id)
            )
        if report is None:
            # A try that was killed may have kept something before the case was erased.
            await self._forget_what_was_found(work)
            await self._pieces.forget(piece.id)
            return []
        report = await self._neighbours.tell(report, work.account_id, until=piece.at)
        stated = await self._concluded(work, piece, report)
        fault_point("K8")
        return stated

    async def erase(self, erased: CaseErased) -> None:
        """Forget a case and the results of what was sent with it; nothing is stated about its pieces any more."""
        await self._results.forget(await self._pieces.erase(erased.key, erased.account_id))
        await self._neighbours.erase(erased.key)

    async def delayed(self, event: Event, reason: str) -> Sequence[Encoded]:
        """What a parked message delays. What is invalid delays nothing: its pieces are those of another."""
        stated = []
        for work in _works(event) if reason != "invalid" else ():
            piece = await self._kept(work)
            delayed = stated_about(work, EvidenceDelayed, occurred_at=self._clock.now(), reason=reason)
            stated.append(await self._pieces.delay(piece.id, encode(delayed, source=SERVICE)))
        return stated

    async def dropped(self, event: Event) -> Sequence[Encoded]:
        """What is final now that an operator dropped a parked message: nothing will be found out about its pieces."""
        stated: list[Encoded] = []
        for work in _works(event):
            piece = await self._kept(work)
            words = await self._examiner.words(work) or Words()
            limit = Limit(limit="dropped", says="Not analysed: its analysis failed, and an operator gave it up.")
            report = not_analyzed(work, words.name, limit, salt=piece.salt)
            stated += [piece.stated] if piece.stated else await self._concluded(work, piece, report)
        return stated

    async def _concluded(self, work: EvidenceWork, piece: Piece, report: EvidenceReport) -> Sequence[Encoded]:
        ref = await self._objects.put_json(f"cases/{work.key}/reports/{work.subject_id}/{work.revision}", report)
        analyzed = stated_about(
            work,
            EvidenceAnalyzed,
            occurred_at=self._clock.now(),
            case_revision=work.case_revision,
            sha256=work.object.sha256,
            engines=report.engines or self._engines.versions,
            report=ref,
            **facts_of(report),
        )
        encoded = encode(analyzed, source=SERVICE)
        stated = await self._pieces.conclude(piece.id, encoded, hashes=hashes_of(work, report))
        if stated is not None:
            return [stated]
        # The case was erased while we looked at it.
        await self._objects.delete(ref.key)
        await self._forget_what_was_found(work)
        return []

    async def _forget_what_was_found(self, work: EvidenceWork) -> None:
        await self._results.forget([work.object.sha256])
        await self._neighbours.erase(work.key)

    async def _lanes(self, event: Event, digest: str) -> dict[str, str]:
        pieces = await self._pieces.brought_by(str(event.event_id))
        if any(piece.digest not in (None, digest) for piece in pieces):
            raise InvalidEvent("the same event id with other facts")
        return {piece.evidence_id: piece.lane for piece in pieces}

    async def _planned(self, works: Sequence[EvidenceWork], digest: str) -> Sequence[Piece]:
        waiting = await self._pieces.in_flight(works[0].account_id, at_most=FEW_WAITING)
        most = MOST_OF_A_CASE if waiting < FEW_WAITING else 0
        now = self._clock.now()
        return [
            Piece.of(work, lane=work.kind if place < most else BULK, at=now, digest=digest)
            for place, work in enumerate(works)
        ]

    async def _kept(self, work: EvidenceWork) -> Piece:
        """The piece of the work; a database that was set back may not know it any more."""
        piece = Piece.of(work, lane=work.kind, at=self._clock.now())
        if known := await self._pieces.find(piece.id):
            return known
        await self._pieces.add([piece])
        return await self._pieces.find(piece.id) or piece


def _encoded(work: EvidenceWork, lane: str) -> Encoded:
    return replace(encode(work, source=SERVICE), topic=work_topic(lane), key=work.subject_id)


def _works(event: Event) -> Sequence[EvidenceWork]:
    if isinstance(event, EvidenceWork):
        return [event]
    return works_of(event) if isinstance(event, BringsEvidence) else []
