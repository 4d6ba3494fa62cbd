from typing import Annotated

from pydantic import Field

from caseway_kit.settings import ApiSettings, service_settings

HttpUrl = Annotated[str, Field(pattern=r"^https?://")]


class Settings(ApiSettings):
    model_config = service_settings("PORTAL_")

    intake_url: HttpUrl
    profiles_url: HttpUrl = Field(validation_alias="CASEWAY_PROFILES_URL")
    url_rating_url: HttpUrl = Field(validation_alias="CASEWAY_URL_RATING_URL")
    public_url: HttpUrl = Field("http://127.0.0.1:8080", validation_alias="CASEWAY_URL")
    """Where people reach the pages; on https their cookies never travel without it."""
    services: dict[str, HttpUrl] = Field(default_factory=dict)
    """Addresses of the services whose OpenAPI documents make up the merged one, as JSON: ``{"intake": "http://…"}``."""

    @property
    def secure(self) -> bool:
        return self.public_url.startswith("https:")
