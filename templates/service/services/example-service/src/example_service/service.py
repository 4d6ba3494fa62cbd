"""Analyses the pieces of our kind, each once, and states what was found."""

from collections.abc import Sequence

from caseway_contracts.analyses import EvidenceAnalyzed, EvidenceDelayed
from caseway_contracts.base import Event
from caseway_contracts.cases import CaseSubmitted, CaseUpdated
from caseway_contracts.evidence import Evidence
from caseway_contracts.results import EvidenceReport, FileResult
from caseway_contracts.sheets import Evidenced
from caseway_kit.clock import Clock
from caseway_kit.errors import InvalidEvent
from caseway_kit.messaging import Encoded, encode, event_digest
from caseway_kit.objects import ObjectMissing, Objects, new_salt
from example_service.pieces import Engine, Findings, Piece, PieceRepository, not_analyzed

SERVICE = "example-service"
KIND = "example_service"

BringsEvidence = CaseSubmitted | CaseUpdated


class Analysis:
    def __init__(self, *, pieces: PieceRepository, engine: Engine, objects: Objects, clock: Clock) -> None:
        self._pieces = pieces
        self._engine = engine
        self._objects = objects
        self._clock = clock

    async def analyze(self, event: BringsEvidence) -> Sequence[Encoded]:
        """What is to be stated; a redelivered event costs no second analysis and gives the same bytes again."""
        return [await self._analyzed(event, evidence) for evidence in ours(event)]

    async def delayed(self, event: Event, reason: str) -> Sequence[Encoded]:
        """What a parked event delays. An invalid one delays nothing: its pieces are those of another."""
        if not isinstance(event, BringsEvidence) or reason == "invalid":
            return []
        stated = []
        for evidence in ours(event):
            await self._kept(event, evidence)
            delayed = EvidenceDelayed.following(
                event, subject_id=evidence.id, occurred_at=self._clock.now(), kind=KIND, reason=reason
            )
            stated.append(await self._pieces.delay(evidence.id, encode(delayed, source=SERVICE)))
        return stated

    async def dropped(self, event: Event) -> Sequence[Encoded]:
        """What is final now that an operator dropped a parked event: nothing will be found out about its pieces."""
        if not isinstance(event, BringsEvidence):
            return []
        findings = not_analyzed("dropped", "Not analysed: its analysis failed, and an operator gave it up.")
        stated = []
        for evidence in ours(event):
            piece = await self._kept(event, evidence)
            if piece.cause == str(event.event_id):
                stated.append(piece.analyzed or await self._concluded(event, evidence, piece, findings))
        return stated

    async def _analyzed(self, event: BringsEvidence, evidence: Evidence) -> Encoded:
        digest = event_digest(event)
        piece = await self._kept(event, evidence, digest)
        if piece.cause != str(event.event_id) or piece.digest not in (None, digest):
            raise InvalidEvent("a piece that another event, or this one with other facts, has brought")
        if piece.analyzed is not None:
            return piece.analyzed
        return await self._concluded(event, evidence, piece, await self._engine.examine(evidence.object))

    async def _kept(self, event: Event, evidence: Evidence, digest: str | None = None) -> Piece:
        return await self._pieces.add(Piece(evidence.id, str(event.event_id), digest, new_salt()))

    async def _concluded(self, event: BringsEvidence, evidence: Evidence, piece: Piece, findings: Findings) -> Encoded:
        itself = FileResult(
            id=evidence.id,
            kind=KIND,
            name=await self._name(event, evidence),
            sha256=evidence.object.sha256,
            size=evidence.object.size,
            **dict(findings),
        )
        report = EvidenceReport(
            salt=piece.salt, sr_number=event.key, evidence_id=evidence.id, revision=1, kind=KIND, files=(itself,)
        )
        analyzed = EvidenceAnalyzed.following(
            event,
            subject_id=evidence.id,
            occurred_at=self._clock.now(),
            kind=KIND,
            verdict=findings.verdict,
            case_revision=event.revision,
            sha256=evidence.object.sha256,
            files=1,
            limits=tuple(limit.limit for limit in findings.limits),
            engines=(self._engine.name,),
            report=await self._objects.put_json(f"cases/{event.key}/reports/{evidence.id}/1", report),
        )
        return await self._pieces.conclude(evidence.id, encode(analyzed, source=SERVICE))

    async def _name(self, event: BringsEvidence, evidence: Evidence) -> str:
        try:
            sheet = await self._objects.get_json(event.sheet, Evidenced)
        except ObjectMissing:
            return ""  # erased: the facts remain
        return next((one.name for one in sheet.attachments if one.evidence_id == evidence.id), "")


def ours(event: BringsEvidence) -> Sequence[Evidence]:
    return [evidence for evidence in event.evidence if evidence.kind == KIND]
