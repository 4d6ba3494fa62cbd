from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Annotated, TypeAlias

from faststream import Context

from caseway_contracts.analyses import AnalysesEvent
from caseway_contracts.cases import CaseErased, CasesEvent, CaseSubmitted, CaseUpdated
from caseway_kit.contacts import heed_contacts
from caseway_kit.messaging import Encoded, Inlet, emit, side_by_side
from sample_analysis.service import SERVICE, SampleAnalysis
from sample_analysis.work import BULK, LANES, BringsEvidence, EvidenceWork, work_topic

Analysis: TypeAlias = Annotated[SampleAnalysis, Context()]
BATCH = 50
Publish = Callable[[Sequence[Encoded]], Awaitable[None]]


def build_inlet(lanes: Collection[str] = LANES, *, workers: int = 2) -> tuple[Inlet, Publish]:
    """The subscribers of a deployment that does the work of ``lanes``, and what states its events."""
    inlet = Inlet(SERVICE)
    publishers = {"analyses": inlet.publisher("analyses", schema=AnalysesEvent)}
    for topic in map(work_topic, LANES):
        # Not the kit's publisher: by its title, the channel would overwrite the subscriber's in the AsyncAPI document.
        publishers[topic] = inlet.router.publisher(topic, title=f"{topic}-planned", schema=EvidenceWork)

    async def publish(events: Sequence[Encoded]) -> None:
        for topic in dict.fromkeys(event.topic for event in events):
            await emit(publishers[topic], *(event for event in events if event.topic == topic))

    @inlet.subscriber("cases", schema=CasesEvent, batch=BATCH)
    async def on_case_events(events: list[CasesEvent], analysis: Analysis) -> None:
        async def take(event: BringsEvidence | CaseErased) -> Sequence[Encoded]:
            if isinstance(event, CaseErased):
                await analysis.erase(event)
                return ()
            return await analysis.plan(event)

        ours = [event for event in events if isinstance(event, CaseSubmitted | CaseUpdated | CaseErased)]
        await publish(await side_by_side(ours, take))

    heed_contacts(inlet)

    for lane in sorted(lanes):

        @inlet.subscriber(
            work_topic(lane),
            schema=EvidenceWork,
            group=work_topic(lane).replace("-work", ""),
            workers=1 if lane == BULK else workers,
            long=True,
        )
        async def on_work(event: EvidenceWork, analysis: Analysis) -> None:
            await publish(await analysis.analyze(event))

    return inlet, publish


# Of a deployment that does everything: what the AsyncAPI document is made from.
inlet, _ = build_inlet()
