"""Settings come from the environment alone and are read once, in ``main.py``.

A secret ``NAME`` may also be given as ``NAME_FILE``, a path whose content is the value.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn, Self, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from caseway_kit.mongo import Driver

SettingsT = TypeVar("SettingsT", bound="SharedSettings")


def _schemes(*allowed: str) -> AfterValidator:
    def check_text(value: str) -> str:
        if not value.startswith(tuple(f"{scheme}://" for scheme in allowed)):
            raise ValueError("should start with " + " or ".join(f"{scheme}://" for scheme in allowed))
        return value

    def check(value: str | SecretStr) -> str | SecretStr:
        check_text(value.get_secret_value() if isinstance(value, SecretStr) else value)
        return value

    return AfterValidator(check)


def service_settings(prefix: str) -> SettingsConfigDict:
    """The ``model_config`` of a service's own Settings class: ``prefix`` (``INTAKE_``) and frozen."""
    return SettingsConfigDict(
        env_prefix=prefix,
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )


class SharedSettings(BaseSettings):
    """What every service reads; a service derives its own class with ``service_settings("INTAKE_")``."""

    model_config = service_settings("SERVICE_")

    kafka: Annotated[str, Field(pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$")] = Field(validation_alias="CASEWAY_KAFKA")
    mongo: Annotated[SecretStr, _schemes("mongodb", "mongodb+srv")] = Field(validation_alias="CASEWAY_MONGO")
    mongo_driver: Driver = Field("motor", validation_alias="CASEWAY_MONGO_DRIVER")
    objects: Annotated[str, _schemes("file", "s3", "memory")] = Field(validation_alias="CASEWAY_OBJECTS")
    smtp: Annotated[SecretStr, _schemes("smtp", "smtps")] | None = Field(None, validation_alias="CASEWAY_SMTP")
    region: Annotated[str, Field(pattern=r"^[0-9]{2}$")] = Field(validation_alias="CASEWAY_REGION")
    start_deadline: Annotated[float, Field(gt=0)] = Field(60.0, validation_alias="CASEWAY_START_DEADLINE")
    testing: bool = Field(False, validation_alias="CASEWAY_TESTING")
    fault: str | None = Field(None, validation_alias="CASEWAY_FAULT")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)]

    @model_validator(mode="after")
    def _faults_are_for_tests(self) -> Self:
        if self.fault and not self.testing:
            raise ValueError("CASEWAY_FAULT is set, but CASEWAY_TESTING=1 is not: faults are for tests only.")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- pydantic-settings passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _SecretFiles(settings_cls), env_settings


class ApiSettings(SharedSettings):
    """What a service needs as well when it checks the tokens of callers."""

    jwks: Annotated[str, _schemes("http", "https")] = Field(validation_alias="CASEWAY_JWKS")
    issuer: str = Field("caseway", validation_alias="CASEWAY_ISSUER")
    audience: str = Field("caseway", validation_alias="CASEWAY_AUDIENCE")


class _SecretFiles(PydanticBaseSettingsSource):
    def get_field_value(
        self,
        field: FieldInfo,  # noqa: ARG002 -- the abstract method's signature; __call__ does the work
        field_name: str,
    ) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            variable = _variable(self.settings_cls, name)
            path = os.environ.get(f"{variable}_FILE")
            if not path or not _is_secret(field):
                continue
            if os.environ.get(variable):
                raise _Unusable(f"Both {variable} and {variable}_FILE are set; set one of them.")
            try:
                values[_key(name, field)] = Path(path).read_text("utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError):
                raise _Unusable(f"{variable}_FILE names a file that cannot be read as text.") from None
        return values


class _Unusable(Exception):
    pass


def load(settings: type[SettingsT]) -> SettingsT:
    """Read the environment; a bad or missing setting is said in a sentence, and the process ends with 2."""
    try:
        return settings()
    except _Unusable as refusal:
        _stop([str(refusal)])
    except ValidationError as refusal:
        _stop([_sentence(settings, error) for error in refusal.errors(include_input=False, include_url=False)])


def _stop(sentences: list[str]) -> NoReturn:
    sys.stderr.write("".join(f"{sentence}\n" for sentence in sentences))
    raise SystemExit(2)


def _sentence(settings: type[BaseSettings], error: Mapping[str, Any]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return message
    key = str(error["loc"][0])
    name, field = next(
        (name, field) for name, field in settings.model_fields.items() if key in (name, _key(name, field))
    )
    variable = _variable(settings, name)
    if error["type"] == "missing":
        return f"{variable} is not set" + (f" (or {variable}_FILE)." if _is_secret(field) else ".")
    return f"{variable} is not usable: {message[:1].lower()}{message[1:]}."


def _key(name: str, field: FieldInfo) -> str:
    return field.validation_alias if isinstance(field.validation_alias, str) else name


def _variable(settings: type[BaseSettings], name: str) -> str:
    alias = settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"{settings.model_config.get('env_prefix', '')}{name.upper()}"


def _is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in repr(field.annotation)
