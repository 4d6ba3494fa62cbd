"""What is written to whom: pure, from an event and what is known about its case."""

from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import Policy
from email.utils import format_datetime
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict

from caseway_contracts.base import Event
from caseway_contracts.kinds import NotificationKind
from caseway_contracts.sheets import Recipient

DOMAIN = "caseway"


class Letter(BaseModel):
    """A mail to one recipient. Its id is derived, so that the same fact never makes a second one."""

    model_config = ConfigDict(frozen=True)

    id: str
    sr_number: str
    account_id: str
    kind: NotificationKind
    recipient_id: str
    address: str
    subject: str
    text: str
    created_at: AwareDatetime
    cause: str
    """The event as JSON; it holds facts only."""


def letter_id(event_id: UUID, kind: NotificationKind, address: str) -> str:
    return str(uuid5(event_id, f"{kind}/{address}"))


def write(
    event: Event, kind: NotificationKind, recipient: Recipient, *, case_subject: str, says: str, link: str
) -> Letter:
    return Letter(
        id=letter_id(event.event_id, kind, recipient.address),
        sr_number=event.key,
        account_id=event.account_id,
        kind=kind,
        recipient_id=recipient.id,
        address=recipient.address,
        subject=one_line(f"[{event.key}] {case_subject}"),
        text=f"{says}\n\nCase {event.key}: {one_line(case_subject)}\n{link}\n",
        created_at=event.occurred_at,
        cause=event.model_dump_json(),
    )


def one_line(text: str) -> str:
    """A customer's words fit for a header: no line breaks or other control characters."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


class _Verbatim(str):
    """A header as it was typed. The standard library would read what looks like an encoded word in it, write a line
    break that is spelled in one as a line break, and fail on half of a character pair or a long foreign address."""

    name: str

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self._written(policy)}{policy.linesep}"

    def _written(self, _: Policy) -> str:
        return str(self)


class _To(_Verbatim):
    name = "To"


class _Subject(_Verbatim):
    name = "Subject"

    def _written(self, policy: Policy) -> str:
        charset = "us-ascii" if self.isascii() and "=?" not in self else "utf-8"
        return Header(str(self), charset, header_name=self.name).encode(linesep=policy.linesep)


def message(letter: Letter, *, sender: Address) -> EmailMessage:
    """The mail as it goes out; built again, it is the same."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = _To(letter.address)
    mail["Subject"] = _Subject(letter.subject)
    mail["Date"] = format_datetime(letter.created_at)
    mail["Message-ID"] = f"<{letter.id}@{DOMAIN}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Caseway-Case"] = letter.sr_number
    mail["X-Caseway-Kind"] = letter.kind
    mail.set_content(letter.text)
    return mail
