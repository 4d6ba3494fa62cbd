from typing import Annotated

from faststream import Context

from caseway_contracts.cases import CasesEvent
from caseway_contracts.profiles import (
    ContactDisabled,
    ContactSaved,
    ProductProfileDeleted,
    ProductProfileSaved,
    ProfilesEvent,
)
from caseway_kit.messaging import Inlet, event_digest
from intake.profile_facts import ProfileFacts

inlet = Inlet("intake")
cases = inlet.publisher("cases", schema=CasesEvent)


@inlet.subscriber("profiles", schema=ProfilesEvent)
async def on_profile_event(event: ProfilesEvent, facts: Annotated[ProfileFacts, Context()]) -> None:
    if isinstance(event, ContactDisabled | ContactSaved | ProductProfileDeleted | ProductProfileSaved):
        await facts.learn(event, event_digest(event))
