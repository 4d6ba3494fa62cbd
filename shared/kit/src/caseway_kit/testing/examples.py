"""All history, for the contract test of every service: each example of a topic, as the bytes that a broker would
deliver."""

import pytest
from _pytest.mark import ParameterSet

from caseway_contracts.gates.repository import EXAMPLES


def examples(topic: str) -> list[ParameterSet]:
    """For ``@pytest.mark.parametrize(("name", "raw"), examples("cases"))``; an unknown topic is a mistake."""
    folder = EXAMPLES / topic
    found = [
        pytest.param(name := str(file.relative_to(folder).with_suffix("")), file.read_bytes(), id=name)
        for file in sorted(folder.rglob("*.json"))
    ]
    if not found:
        raise LookupError(f"there are no examples of the topic {topic}")
    return found
