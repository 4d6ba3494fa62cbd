"""Plans the work that a case event brings, analyses one piece after the other, and states what was found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from caseway_contracts.analyses import EvidenceAnalyzed, EvidenceDelayed
from caseway_contracts.base import Event
from caseway_contracts.results import EvidenceReport, Limit
from caseway_contracts.sheets import Evidenced
from caseway_kit.clock import Clock
from caseway_kit.errors import InvalidEvent
from caseway_kit.faults import fault_point
from caseway_kit.messaging import Encoded, encode, event_digest
from caseway_kit.objects import ObjectDamaged, ObjectMissing, Objects
from caseway_kit.sandbox import ParserError, SandboxCrash, SandboxLimit
from sample_analysis.engine_client import Engines
from sample_analysis.findings import NoResult, facts_of, not_analyzed, report_of
from sample_analysis.pieces import Piece, PieceRepository
from sample_analysis.scratch import Scratch
from sample_analysis.work import BULK, BringsEvidence, EvidenceWork, stated_about, work_topic, works_of

SERVICE = "sample-analysis"
# Pieces of one account that may wait on the lanes of their kinds; what comes on top waits on the bulk lane.
MOST_IN_FLIGHT = 50
MOST_CRASHES = 3

log = structlog.get_logger()


@dataclass(frozen=True)
class Words:
    """What the customer said about a piece."""

    name: str = ""
    passwords: tuple[str, ...] = ()


class SampleAnalysis:
    def __init__(
        self, *, pieces: PieceRepository, objects: Objects, scratch: Scratch, engines: Engines, clock: Clock
    ) -> None:
        self._pieces = pieces
        self._objects = objects
        self._scratch = scratch
        self._engines = engines
        self._clock = clock

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
        report = await self._report(work, piece)
        if report is None:
            await self._pieces.forget(piece.id)
            return []
        stated = await self._concluded(work, piece, report)
        fault_point("K8")
        return [stated]

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
        stated = []
        for work in _works(event):
            piece = await self._kept(work)
            words = await self._words(work) or Words()
            limit = Limit(limit="dropped", says="Not analysed: its analysis failed, and an operator gave it up.")
            report = not_analyzed(work, words.name, limit, salt=piece.salt)
            stated.append(piece.stated or await self._concluded(work, piece, report))
        return stated

    async def _concluded(self, work: EvidenceWork, piece: Piece, report: EvidenceReport) -> Encoded:
        prefix = f"cases/{work.key}/reports/{work.subject_id}/{work.revision}"
        analyzed = stated_about(
            work,
            EvidenceAnalyzed,
            occurred_at=self._clock.now(),
            case_revision=work.case_revision,
            sha256=work.object.sha256,
            engines=self._engines.versions,
            report=await self._objects.put_json(prefix, report),
            **facts_of(report),
        )
        return await self._pieces.conclude(piece.id, encode(analyzed, source=SERVICE))

    async def _lanes(self, event: Event, digest: str) -> dict[str, str]:
        pieces = await self._pieces.brought_by(str(event.event_id))
        if any(piece.digest not in (None, digest) for piece in pieces):
            raise InvalidEvent("the same event id with other facts")
        return {piece.evidence_id: piece.lane for piece in pieces}

    async def _planned(self, works: Sequence[EvidenceWork], digest: str) -> Sequence[Piece]:
        waiting = await self._pieces.in_flight(works[0].account_id, at_most=MOST_IN_FLIGHT)
        now = self._clock.now()
        return [
            Piece.of(work, lane=work.kind if place < MOST_IN_FLIGHT else BULK, at=now, digest=digest)
            for place, work in enumerate(works, start=waiting)
        ]

    async def _kept(self, work: EvidenceWork) -> Piece:
        """The piece of the work; a database that was set back may not know it any more."""
        piece = Piece.of(work, lane=work.kind, at=self._clock.now())
        if known := await self._pieces.find(piece.id):
            return known
        await self._pieces.add([piece])
        return await self._pieces.find(piece.id) or piece

    async def _report(self, work: EvidenceWork, piece: Piece) -> EvidenceReport | None:
        """None: the words and the bytes are gone, as the case was erased."""
        words = await self._words(work)
        try:
            return await self._examined(work, piece, words or Words())
        except ObjectMissing:
            if words is None:
                return None
            limit = Limit(limit="object-missing", says="The file is not in the store any more.")
        except ObjectDamaged:
            limit = Limit(limit="object-damaged", says="The stored file is not the one that was sent.")
        except SandboxLimit as reached:
            limit = Limit(limit=reached.limit.replace("_", "-"), says=f"Not analysed: {reached.says}.")
        except SandboxCrash:
            limit = Limit(limit="analyser-crashed", says="Not analysed: the analyser failed on it several times.")
        except (ParserError, NoResult) as error:
            log.warning("an analyser failed", error=type(error).__name__, says=getattr(error, "type", ""))
            limit = Limit(limit="analyser-failed", says="Not analysed: the analyser failed on it.")
        if limit.limit.startswith("object-"):
            log.critical("evidence is not in the store as it was sent", evidence=work.subject_id, limit=limit.limit)
        else:
            log.warning("a piece was not analysed", evidence=work.subject_id, limit=limit.limit)
        return not_analyzed(work, words.name if words else "", limit, salt=piece.salt)

    async def _examined(self, work: EvidenceWork, piece: Piece, words: Words) -> EvidenceReport:
        async with self._scratch.fetched(work.object) as sample:
            while True:
                try:
                    found = await self._engines.analyze(
                        sample,
                        evidence_id=work.subject_id,
                        name=words.name,
                        kind=work.kind,
                        passwords=words.passwords,
                    )
                except SandboxCrash as crash:
                    log.warning("a sample ended its analyser", evidence=work.subject_id, signal=crash.signal_name)
                    if await self._pieces.count_crash(piece.id) >= MOST_CRASHES:
                        raise
                else:
                    return report_of(work, found, salt=piece.salt)

    async def _words(self, work: EvidenceWork) -> Words | None:
        """None: there are none, as the case was erased; a tombstone stands where its sheet was."""
        try:
            sheet = await self._objects.get_json(work.sheet, Evidenced)
        except (ObjectMissing, ObjectDamaged) as gone:
            log.warning("the words of a piece are gone", evidence=work.subject_id, error=type(gone).__name__)
            return None
        said = next((one for one in sheet.attachments if one.evidence_id == work.subject_id), None)
        if said is None:
            return Words()
        return Words(said.name, tuple(dict.fromkeys(filter(None, (said.opened_with, said.password)))))


def _encoded(work: EvidenceWork, lane: str) -> Encoded:
    return replace(encode(work, source=SERVICE), topic=work_topic(lane), key=work.subject_id)


def _works(event: Event) -> Sequence[EvidenceWork]:
    if isinstance(event, EvidenceWork):
        return [event]
    return works_of(event) if isinstance(event, BringsEvidence) else []
