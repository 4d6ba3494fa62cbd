"""Turns events into letters that wait to be sent, each exactly once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import Field, TypeAdapter

from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.base import Event, ObjectRef
from caseway_contracts.cases import CaseEvent, CaseSubmitted
from caseway_contracts.ratings import UrlReclassified, UrlsRated
from caseway_contracts.routes import AnalysisCompleted
from caseway_contracts.sheets import CaseSheet, UpdateSheet
from caseway_kit.errors import InvalidEvent
from caseway_kit.messaging import Encoded, event_digest
from caseway_kit.objects import ObjectMissing, Objects
from notifier.correspondence import Correspondence, Sheet
from notifier.letters import Letter

OtherEvent = Annotated[AnalysisCompleted | UrlReclassified | EvidenceAnalyzed | UrlsRated, Field(discriminator="type")]
_other_event: TypeAdapter[OtherEvent] = TypeAdapter(OtherEvent)


@dataclass(frozen=True)
class Stored:
    """A case's correspondence with its inbox (event id → digest); ``version`` counts its writes."""

    correspondence: Correspondence
    version: int = 0
    inbox: tuple[tuple[str, str], ...] = ()


class CorrespondenceRepository(Protocol):
    async def find(self, sr_number: str) -> Stored | None:
        """The correspondence of a case; raises OutageError."""

    async def save(self, stored: Stored) -> bool:
        """Write over the version before it (0: none). False: somebody else wrote meanwhile."""


class LetterRepository(Protocol):
    async def add(self, letters: Sequence[Letter]) -> None:
        """Save letters as waiting; one that is there already is left as it is."""


class Notifier:
    def __init__(
        self, cases: CorrespondenceRepository, letters: LetterRepository, objects: Objects, *, portal_url: str
    ) -> None:
        self._cases = cases
        self._letters = letters
        self._objects = objects
        self._portal_url = portal_url

    async def take(self, event: Event) -> Sequence[Encoded]:
        """Save what the event calls for; nothing is stated yet. The letters come first: a crash in between saves them
        again as they are."""
        while True:
            stored = await self._cases.find(event.key) or Stored(Correspondence(sr_number=event.key))
            digest = event_digest(event)
            known = dict(stored.inbox).get(str(event.event_id))
            if known is not None:
                if known != digest:
                    raise InvalidEvent("the same event id with other facts")
                return ()
            stored.correspondence.check(event)
            correspondence, letters = await self._applied(stored.correspondence, event)
            await self._letters.add(letters)
            inbox = (*stored.inbox, (str(event.event_id), digest))
            if await self._cases.save(Stored(correspondence, stored.version + 1, inbox)):
                return ()

    async def _applied(self, before: Correspondence, event: Event) -> tuple[Correspondence, Sequence[Letter]]:
        link = f"{self._portal_url}/cases/{event.key}"
        if not isinstance(event, CaseEvent):
            if before.known():
                return before, before.letters(event, link=link)
            return before.model_copy(update={"waiting": (*before.waiting, event.model_dump_json())}), ()
        ready, correspondence = before.ready(event)
        letters: list[Letter] = []
        for one in ready:
            correspondence, written = correspondence.take(one, await self._sheet(one), link=link)
            letters += written
        if correspondence.known():
            for waiting in map(_other_event.validate_json, correspondence.waiting):
                correspondence.check(waiting)
                letters += correspondence.letters(waiting, link=link)
            correspondence = correspondence.model_copy(update={"waiting": ()})
        return correspondence, letters

    async def _sheet(self, event: CaseEvent) -> Sheet:
        ref: ObjectRef | None = getattr(event, "sheet", None)
        if ref is None:
            return None
        try:
            if isinstance(event, CaseSubmitted):
                return await self._objects.get_json(ref, CaseSheet)
            return await self._objects.get_json(ref, UpdateSheet)
        except ObjectMissing:
            return None  # erased: the facts remain, and there is nobody left to write to
