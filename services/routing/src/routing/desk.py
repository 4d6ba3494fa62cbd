"""What waits for an analyst, as the desk sees it: the cases, who answers them, and by when. The words are elsewhere."""

from typing import Protocol

from caseway_contracts.kinds import CaseStatus
from routing.rounds import Value


class QueuedCase(Value):
    """A case whose customer wants URLs rated otherwise, where no rule could decide. ``due_at`` is in RFC 3339."""

    sr_number: str
    account_id: str
    team: str
    priority: int
    due_at: str
    status: CaseStatus
    url_ids: tuple[str, ...]


class Desk(Protocol):
    async def reclassifications(
        self, team: str | None, *, after: tuple[str, str] | None, limit: int
    ) -> list[QueuedCase]:
        """Cases with undecided requests, of a team or of all, those due first in front; ``after`` is the ``due_at`` and
        ``sr_number`` of the one before."""
