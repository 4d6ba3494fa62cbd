import pytest

from caseway_kit.settings import load
from profiles.settings import Settings

ENVIRONMENT = {
    "CASEWAY_KAFKA": "127.0.0.1:9092",
    "CASEWAY_MONGO": "mongodb://127.0.0.1:27017",
    "CASEWAY_OBJECTS": "memory:///",
    "CASEWAY_REGION": "01",
    "PROFILES_PORT": "8001",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_tokens_last_a_quarter_of_an_hour_unless_said_otherwise() -> None:
    assert load(Settings).token_lifetime.total_seconds() == 900


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PROFILES_TOKEN_LIFETIME", "901", "PROFILES_TOKEN_LIFETIME is not usable"),
        ("PROFILES_SIGNING_KEY", "not-a-key", "PROFILES_SIGNING_KEY is not usable: it is no Ed25519 private key"),
        ("PROFILES_BOOTSTRAP_OPERATOR_PASSWORD", "short", "PROFILES_BOOTSTRAP_OPERATOR_PASSWORD is not usable"),
        ("PROFILES_BOOTSTRAP_OPERATOR_EMAIL", "root@example.com", "are set together or not at all."),
    ],
)
def test_a_bad_setting_stops_the_start_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        load(Settings)
    said = capsys.readouterr().err
    assert sentence in said
    assert "not-a-key" not in said
