"""Every event that was ever released is still read."""

import pytest
from sample_analysis_fakes import Kafka

from caseway_kit.testing.examples import examples


@pytest.mark.parametrize(("name", "raw"), examples("cases"))
async def test_every_example_is_consumed(kafka: Kafka, name: str, raw: bytes) -> None:
    # The examples' objects are not in the store, as those of an erased case: nothing is stated about them.
    await kafka.send("cases", raw)
    assert (kafka.parked, kafka.stated) == ([], [])
