"""What the case pages ask of others."""

from collections.abc import Mapping
from typing import Any

from caseway_contracts.clients import Refused, ServiceAway
from caseway_kit.errors import OutageError
from portal.pages.log_state import LogState


class FakeCaseDesk:
    """Intake, as far as the case page acts on cases: notes what was asked, or refuses."""

    def __init__(self) -> None:
        self.acts: list[tuple[str, str, dict[str, Any]]] = []
        self.keys: list[str] = []
        self.refusal: Refused | ServiceAway | None = None

    async def act(self, token: str, sr: str, verb: str, body: dict[str, Any], *, key: str) -> dict[str, Any]:
        if self.refusal is not None:
            raise self.refusal
        if not token.endswith("@a1"):
            raise Refused(404, {})
        self.acts.append((sr, verb, body))
        self.keys.append(key)
        return {"update_id": "u1", "sr_number": "SR01-000000043-5"}


class FakeLog:
    def __init__(self) -> None:
        self.away = False
        self.behind: Mapping[str, int] = {"routing": 0, "portal": 12}
        self.parked: Mapping[str, int] = {"routing": 3, "portal": 0}

    async def state(self) -> LogState:
        if self.away:
            raise OutageError("Kafka")
        return LogState(self.behind, self.parked)


SERVICES = {"routing": "http://routing", "portal": "http://portal"}


class FakeServices:
    def __init__(self) -> None:
        self.answers: dict[str, Mapping[str, Any] | None] = {
            "http://routing/readyz": {"ready": True, "checks": {"MongoDB": "ok"}},
            "http://portal/readyz": {"ready": True, "checks": {}},
            "http://routing/internal/backlog": {"count": 0, "oldest_seconds": None},
            "http://portal/internal/backlog": {"status": 503},
        }

    async def ask(self, url: str) -> Mapping[str, Any] | None:
        return self.answers[url]
