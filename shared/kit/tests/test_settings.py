from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from caseway_kit.settings import SharedSettings, load, service_settings


class IntakeSettings(SharedSettings):
    model_config = service_settings("INTAKE_")

    largest_case: int = 500
    relay_key: SecretStr | None = None


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {
        "CASEWAY_KAFKA": "127.0.0.1:9092",
        "CASEWAY_MONGO": "mongodb://intake:hunter2@127.0.0.1:27017/",
        "CASEWAY_OBJECTS": "file:///var/lib/caseway",
        "CASEWAY_REGION": "01",
        "INTAKE_PORT": "8081",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stopped:
        load(IntakeSettings)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_a_service_reads_shared_settings_and_those_of_its_own_prefix(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("INTAKE_LARGEST_CASE", "7")

    settings = load(IntakeSettings)

    assert (settings.port, settings.host, settings.largest_case) == (8081, "127.0.0.1", 7)
    assert settings.kafka == "127.0.0.1:9092"
    assert settings.mongo.get_secret_value().startswith("mongodb://intake:hunter2@")
    assert settings.smtp is None


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load(IntakeSettings).region = "02"


def test_a_missing_setting_is_named(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.delenv("CASEWAY_MONGO")
    environment.delenv("INTAKE_PORT")

    assert refusal(capsys).splitlines() == [
        "CASEWAY_MONGO is not set (or CASEWAY_MONGO_FILE).",
        "INTAKE_PORT is not set.",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CASEWAY_REGION", "1"),
        ("CASEWAY_REGION", "eu"),
        ("CASEWAY_KAFKA", "nowhere"),
        ("CASEWAY_OBJECTS", "/var/lib"),
        ("CASEWAY_SMTP", "mail.example"),
        ("CASEWAY_START_DEADLINE", "0"),
        ("INTAKE_PORT", "99999"),
        ("INTAKE_LARGEST_CASE", "many"),
    ],
)
def test_a_bad_setting_is_one_readable_sentence(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    environment.setenv(name, value)

    [sentence] = refusal(capsys).splitlines()

    assert sentence.startswith(f"{name} is not usable: ")


def test_the_value_of_a_bad_secret_is_never_printed(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("CASEWAY_MONGO", "intake:hunter2@host")

    said = refusal(capsys)

    assert "CASEWAY_MONGO is not usable: should start with mongodb:// or mongodb+srv://." in said
    assert "hunter2" not in said


def test_a_secret_may_come_from_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (("CASEWAY_MONGO", "mongodb://from-a-file/"), ("INTAKE_RELAY_KEY", "abc")):
        environment.delenv(name, raising=False)
        (tmp_path / name).write_text(f"{value}\n")
        environment.setenv(f"{name}_FILE", str(tmp_path / name))

    settings = load(IntakeSettings)

    assert settings.mongo.get_secret_value() == "mongodb://from-a-file/"
    assert settings.relay_key == SecretStr("abc")


def test_a_secret_given_twice_or_in_an_unreadable_file_stops_the_start(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environment.setenv("CASEWAY_MONGO_FILE", str(tmp_path / "absent"))
    assert refusal(capsys) == "Both CASEWAY_MONGO and CASEWAY_MONGO_FILE are set; set one of them.\n"

    environment.delenv("CASEWAY_MONGO")
    assert refusal(capsys) == "CASEWAY_MONGO_FILE names a file that cannot be read as text.\n"


def test_a_fault_is_refused_outside_tests(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.setenv("CASEWAY_FAULT", "K5:every=10")
    assert "faults are for tests only" in refusal(capsys)

    environment.setenv("CASEWAY_TESTING", "1")
    assert load(IntakeSettings).fault == "K5:every=10"
