"""Every case event that was ever released is still read, and only what is ours is analysed."""

import json

import pytest
from example_service.service import KIND
from example_service_fakes import FakeEngine, Kafka

from caseway_kit.testing.examples import examples


@pytest.mark.parametrize(("name", "raw"), examples("cases"))
async def test_only_pieces_of_our_kind_are_analysed(kafka: Kafka, engine: FakeEngine, name: str, raw: bytes) -> None:
    await kafka.send("cases", raw)
    pieces = json.loads(raw).get("evidence", [])
    assert engine.examined == [piece["object"]["key"] for piece in pieces if piece["kind"] == KIND]
    assert len(kafka.stated) == len(engine.examined)
    assert kafka.parked == []
