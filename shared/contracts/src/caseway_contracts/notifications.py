"""What notifier states about the mails of a case. Addresses stand in the sheets; events name recipients by id."""

from typing import Annotated, ClassVar, Literal

from pydantic import Tag

from caseway_contracts.base import OTHER, Event, UnknownEvent, by_type
from caseway_contracts.kinds import NotificationKind


class NotificationSent(Event):
    """The mail server took a mail; the subject is the mail (the left part of its Message-ID)."""

    topic: ClassVar[str] = "notifications"

    type: Literal["NotificationSent"] = "NotificationSent"
    version: Literal[1] = 1
    kind: NotificationKind
    recipient_id: str


class NotificationFailed(Event):
    """A mail could not be delivered and will not be tried again by itself; the subject is the mail."""

    topic: ClassVar[str] = "notifications"

    type: Literal["NotificationFailed"] = "NotificationFailed"
    version: Literal[1] = 1
    kind: NotificationKind
    recipient_id: str
    reason: str
    """``refused`` (5xx), ``expired`` (24 h of waiting)."""


NotificationsEvent = Annotated[
    Annotated[NotificationSent, Tag("NotificationSent")]
    | Annotated[NotificationFailed, Tag("NotificationFailed")]
    | Annotated[UnknownEvent, Tag(OTHER)],
    by_type(NotificationSent, NotificationFailed),
]
