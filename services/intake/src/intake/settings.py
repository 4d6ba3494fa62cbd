from pathlib import Path
from typing import Annotated

from pydantic import Field

from caseway_kit.settings import ApiSettings, service_settings


class Settings(ApiSettings):
    model_config = service_settings("INTAKE_")

    profiles_url: Annotated[str, Field(pattern="^https?://")] = Field(validation_alias="CASEWAY_PROFILES_URL")
    scratch: Path
    """A folder of this process alone, where attachments lie while they are looked at; emptied at the start. Users
    without rights must be able to reach it (``x`` on every folder above it): the sandbox runs as one."""
    sandbox_workers: Annotated[int, Field(ge=1)] = 2
    submissions_per_minute: Annotated[int, Field(ge=1)] = 600
    """Of one account, counted by each process for itself. Beyond a sixtieth of them in any minute an account's
    submissions wait for each other, and rest in between."""
    unclaimed_uploads: Annotated[int, Field(ge=1)] = 10_000
    unclaimed_bytes: Annotated[int, Field(ge=1)] = 5 * 1024**3
    """What one account may have uploaded that no case names; ten full cases."""
