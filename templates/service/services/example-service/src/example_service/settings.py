from typing import Annotated

from pydantic import Field

from caseway_kit.settings import SharedSettings, service_settings


class Settings(SharedSettings):
    model_config = service_settings("EXAMPLE_SERVICE_")

    workers: Annotated[int, Field(ge=1, le=8)] = 1
    """Parsers side by side."""
