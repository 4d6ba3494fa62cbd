from pathlib import Path

from caseway_kit.settings import ApiSettings, service_settings


class Settings(ApiSettings):
    model_config = service_settings("URL_RATING_")

    scratch: Path | None = None
    """Where lists are sorted and mapped from; the system's folder for temporary files when left out. Of a list of five
    million entries it takes 200 MB while it is loaded, and 100 MB afterwards."""
