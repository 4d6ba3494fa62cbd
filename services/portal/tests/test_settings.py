import pytest

from caseway_kit.settings import load
from portal.settings import Settings

ENVIRONMENT = {
    "CASEWAY_KAFKA": "127.0.0.1:9092",
    "CASEWAY_MONGO": "mongodb://127.0.0.1",
    "CASEWAY_OBJECTS": "memory://",
    "CASEWAY_REGION": "01",
    "CASEWAY_JWKS": "http://127.0.0.1:1/keys",
    "PORTAL_PORT": "8105",
    "PORTAL_INTAKE_URL": "http://127.0.0.1:8101",
    "CASEWAY_PROFILES_URL": "http://127.0.0.1:8102",
    "CASEWAY_URL_RATING_URL": "http://127.0.0.1:8103",
    "PORTAL_SERVICES": '{"intake": "http://127.0.0.1:8101"}',
}


def test_addresses_of_services_are_read_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    settings = load(Settings)
    assert settings.services == {"intake": "http://127.0.0.1:8101"}
    assert settings.port == 8105


def test_a_missing_address_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PORTAL_INTAKE_URL")
    with pytest.raises(SystemExit):
        load(Settings)
    assert capsys.readouterr().err == "PORTAL_INTAKE_URL is not set.\n"
