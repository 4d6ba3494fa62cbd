from typing import Annotated

from pydantic import Field

from caseway_kit.settings import ApiSettings, service_settings

HttpUrl = Annotated[str, Field(pattern=r"^https?://")]


class Settings(ApiSettings):
    model_config = service_settings("PORTAL_")

    intake_url: HttpUrl
    services: dict[str, HttpUrl] = Field(default_factory=dict)
    """Addresses of the services whose OpenAPI documents make up the merged one, as JSON: ``{"intake": "http://…"}``."""
