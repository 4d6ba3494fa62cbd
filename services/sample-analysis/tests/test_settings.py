from typing import Any

import pytest

from caseway_kit.settings import load
from sample_analysis.handlers import build_inlet
from sample_analysis.settings import Settings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = {
        "CASEWAY_KAFKA": "127.0.0.1:9092",
        "CASEWAY_MONGO": "mongodb://127.0.0.1:27017",
        "CASEWAY_OBJECTS": "memory://",
        "CASEWAY_REGION": "01",
        "CASEWAY_JWKS": "http://127.0.0.1:9/jwks.json",
        "SAMPLE_ANALYSIS_PORT": "8001",
    }
    for name, value in shared.items():
        monkeypatch.setenv(name, value)


def test_without_a_word_every_lane_is_served() -> None:
    assert load(Settings).kinds == {"file", "email", "attk_log", "bulk"}


def test_a_deployment_may_serve_some_lanes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE_ANALYSIS_KINDS", "email, attk_log")
    inlet, _ = build_inlet(load(Settings).kinds, workers=1)
    subscribers: list[Any] = list(inlet.router.subscribers)
    groups = {(subscriber.group_id, *subscriber.topic_names) for subscriber in subscribers}
    assert groups == {
        ("sample-analysis-cases", "cases"),
        ("sample-analysis-profiles", "profiles"),
        ("sample-analysis-retry", "sample-analysis-retry"),
        ("sample-analysis-email", "sample-analysis-work-email"),
        ("sample-analysis-attk-log", "sample-analysis-work-attk-log"),
    }


def test_an_unknown_kind_stops_the_start_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAMPLE_ANALYSIS_KINDS", "email,firmware")
    with pytest.raises(SystemExit):
        load(Settings)
    assert "SAMPLE_ANALYSIS_KINDS is not usable" in capsys.readouterr().err
