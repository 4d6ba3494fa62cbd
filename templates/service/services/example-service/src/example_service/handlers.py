from typing import Annotated

from faststream import Context

from caseway_contracts.analyses import AnalysesEvent
from caseway_contracts.cases import CasesEvent, CaseSubmitted, CaseUpdated
from caseway_kit.messaging import Inlet, emit
from example_service.service import SERVICE, Analysis

inlet = Inlet(SERVICE)
analyses = inlet.publisher("analyses-example-service", schema=AnalysesEvent)


@inlet.subscriber("cases", schema=CasesEvent, long=True)
async def on_case_event(event: CasesEvent, analysis: Annotated[Analysis, Context()]) -> None:
    if isinstance(event, CaseSubmitted | CaseUpdated):
        await emit(analyses, *await analysis.analyze(event))
