from pydantic import Field, SecretStr

from caseway_kit.settings import SharedSettings, service_settings


class Settings(SharedSettings):
    model_config = service_settings("NOTIFIER_")

    smtp: SecretStr = Field(validation_alias="CASEWAY_SMTP")
    portal_url: str = Field("http://127.0.0.1:8080", validation_alias="CASEWAY_URL")
    """Where the links in mails lead."""
    from_name: str = "Caseway"
    from_address: str = "support@caseway.example"
