from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from caseway_kit.settings import ApiSettings, service_settings


class Settings(ApiSettings):
    model_config = service_settings("INTAKE_")

    profiles_url: Annotated[str, Field(pattern="^https?://")] = Field(validation_alias="CASEWAY_PROFILES_URL")
    scratch: Path | None = None
    data: Path | None = Field(None, validation_alias="CASEWAY_DATA")
    sandbox_workers: Annotated[int, Field(ge=1)] = 2
    submissions_per_minute: Annotated[int, Field(ge=1)] = 600
    """Of one account, counted by each process for itself."""

    @model_validator(mode="after")
    def _has_a_folder(self) -> Self:
        if self.scratch is None and self.data is None:
            raise ValueError("INTAKE_SCRATCH is not set: attachments need a folder while they are looked at.")
        return self

    @property
    def scratch_folder(self) -> Path:
        """Where attachments are while they are looked at; what is in it at the start is deleted."""
        return self.scratch or (self.data or Path()) / "scratch"
