"""What is known of an upload."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: str
    size: int


class Upload(BaseModel):
    model_config = ConfigDict(frozen=True)

    upload_id: str
    account_id: str
    contact_id: str
    name: str
    state: Literal["receiving", "open", "ready"]
    created_at: datetime
    expires_at: datetime | None
    """None once a case names it."""
    length: int | None = None
    offset: int = 0
    parts: tuple[Part, ...] = ()
    writers: tuple[str, ...] = ()
    """Each request that adds parts has a folder of its own, so that two of them never write the same object."""
    sha256: str | None = None
    size: int | None = None
    type: str | None = None

    @property
    def key(self) -> str:
        return f"accounts/{self.account_id}/uploads/{self.upload_id}"

    def part_key(self, writer: str, number: int) -> str:
        return f"accounts/{self.account_id}/parts/{self.upload_id}/{writer}/{number}"

    def usable(self, now: datetime) -> bool:
        return self.state == "ready" and not self.expired(now)

    def expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now
