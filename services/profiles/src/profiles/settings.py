from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from caseway_kit.settings import SharedSettings, service_settings
from profiles.passwords import SHORTEST
from profiles.signing_keys import read_key


class Settings(SharedSettings):
    model_config = service_settings("PROFILES_")

    issuer: str = Field("caseway", validation_alias="CASEWAY_ISSUER")
    audience: str = Field("caseway", validation_alias="CASEWAY_AUDIENCE")

    token_lifetime: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(minutes=15))] = timedelta(minutes=15)
    session_lifetime: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(hours=12)
    signing_key: SecretStr | None = None
    """An Ed25519 private key (PEM or JWK) to sign with, instead of those that the service makes and keeps."""

    bootstrap_operator_email: str | None = None
    bootstrap_operator_password: Annotated[SecretStr, Field(min_length=SHORTEST)] | None = None

    @field_validator("signing_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            read_key(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _operator_is_whole(self) -> Self:
        if (self.bootstrap_operator_email is None) != (self.bootstrap_operator_password is None):
            raise ValueError(
                "PROFILES_BOOTSTRAP_OPERATOR_EMAIL and PROFILES_BOOTSTRAP_OPERATOR_PASSWORD (or its _FILE) "
                "are set together or not at all."
            )
        return self
