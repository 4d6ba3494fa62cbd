"""Every event that was ever released is still read."""

import pytest
from pydantic import TypeAdapter
from sample_analysis_fakes import Kafka

from caseway_contracts.profiles import ProfilesEvent
from caseway_kit.testing.examples import examples

ProfilesEvents: TypeAdapter[ProfilesEvent] = TypeAdapter(ProfilesEvent)


@pytest.mark.parametrize(("name", "raw"), examples("cases"))
async def test_every_example_is_consumed(kafka: Kafka, name: str, raw: bytes) -> None:
    # The examples' objects are not in the store, as those of an erased case: nothing is stated about them.
    await kafka.send("cases", raw)
    assert (kafka.parked, kafka.stated) == ([], [])


@pytest.mark.parametrize(("name", "raw"), examples("profiles"))
async def test_every_example_about_contacts_is_consumed(kafka: Kafka, name: str, raw: bytes) -> None:
    await kafka.send("profiles", raw)
    assert kafka.parked == []
    assert (ProfilesEvents.validate_json(raw).subject_id in kafka.disabled) == ("ContactDisabled" in name)
