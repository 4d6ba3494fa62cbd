from pathlib import Path

from caseway_kit.asyncapi import document
from intake.handlers import inlet

COMMITTED = Path(__file__).parents[1] / "asyncapi.json"


def test_committed_document_is_that_of_the_handlers() -> None:
    assert COMMITTED.read_text("utf-8") == document(inlet)
