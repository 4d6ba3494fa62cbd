import json

import pytest

from caseway_contracts.registry import UNIONS
from caseway_kit.testing.examples import examples


@pytest.mark.parametrize("topic", UNIONS)
def test_every_topic_has_examples_of_its_events(topic: str) -> None:
    for param in examples(topic):
        name, raw = param.values
        assert isinstance(name, str)
        assert isinstance(raw, bytes)
        assert json.loads(raw)["type"] == name.split("/")[0]


def test_a_misspelt_topic_is_not_an_empty_test() -> None:
    with pytest.raises(LookupError, match="casses"):
        examples("casses")
