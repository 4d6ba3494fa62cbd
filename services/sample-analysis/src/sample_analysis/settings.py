import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from caseway_kit.settings import ApiSettings, service_settings
from sample_analysis.work import LANES, Lane


def _split(value: Any) -> Any:
    return [word.strip() for word in value.split(",")] if isinstance(value, str) else value


class Settings(ApiSettings):
    model_config = service_settings("SAMPLE_ANALYSIS_")

    kinds: Annotated[frozenset[Lane], NoDecode, BeforeValidator(_split), Field(min_length=1)] = frozenset(LANES)
    """The lanes whose work this deployment does, with commas; every lane needs a deployment that does it."""
    workers: Annotated[int, Field(ge=1, le=8)] = min(8, len(os.sched_getaffinity(0)))
    """Children of the sandbox: pieces that are looked at at once. Each kind has twice as many in hand."""
    scratch: Path = Path(tempfile.gettempdir()) / f"caseway-sample-analysis-{os.geteuid()}"
    rules: Path | None = None
    """A folder of the teams' YARA rules (``*.yar``) and lists (``safelist*.txt``, ``blocklist*.txt``, ``near*.txt``).

    What changes there is in force within seconds; a state with an error in it is refused, and the one before stays.
    """
    clamd: Annotated[str, Field(pattern=r"^[^:]+:\d{1,5}$")] | None = None
    """``host:port`` of a ClamAV daemon; every piece of bytes that is found is given to it as well."""

    @property
    def clamd_address(self) -> tuple[str, int]:
        host, _, port = (self.clamd or ":0").partition(":")
        return host, int(port)
