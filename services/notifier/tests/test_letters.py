"""A customer's words stay words, whatever they look like in a mail."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address

import pytest

from notifier.letters import Letter, message

SENDER = Address("Caseway", addr_spec="support@caseway.example")
HEADERS = {
    *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Caseway-Case", "X-Caseway-Kind"),
    *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
}


def sent(*, subject: str = "A file", address: str = "ann@customer.example") -> tuple[bytes, list[tuple[str, str]]]:
    letter = Letter(
        id="m1",
        sr_number="SR01-000000042-4",
        account_id="a1",
        kind="confirmation",
        recipient_id="r1",
        address=address,
        subject=subject,
        text="Thank you.\n",
        created_at=datetime(2026, 1, 5, tzinfo=UTC),
        cause="{}",
    )
    content = message(letter, sender=SENDER).as_bytes(policy=policy.SMTPUTF8)
    return content, list(message_from_bytes(content, policy=policy.compat32).items())


@pytest.mark.parametrize(
    "subject",
    [
        "=?utf-8?q?a=0D=0ABcc:_eve@evil.example?=",
        "=?utf-8?b?DQpCY2M6IGV2ZUBldmlsLmV4YW1wbGU=?=",
        "=?utf-8?q?=0D=0A=0D=0AAnother_body?=",
        "=?utf-7?q?+2AA-?=",
        "=?unicode_escape?q?=5Cud800?=",
        "=?raw_unicode_escape?q?=5Cu000aBcc=3Aeve?=",
        "Grüße " * 40,
        "plain words " * 20,
        "a" * 255,
    ],
)
def test_a_subject_is_read_as_it_was_typed_and_makes_no_header(subject: str) -> None:
    content, headers = sent(subject=subject.strip())
    assert {name for name, _ in headers} == HEADERS
    assert len(headers) == len(HEADERS)
    assert str(make_header(decode_header(dict(headers)["Subject"]))).replace("\r\n ", " ").strip() == subject.strip()
    assert content.endswith(b"\r\n\r\nThank you.\r\n")


@pytest.mark.parametrize(
    "address", ["=?utf-8?q?a=40evil.example=2C?=@b.example", "=?utf-8?b?DQpCY2M6?=@b.example", f"{'a' * 64}@é.example"]
)
def test_an_address_is_written_as_it_was_typed(address: str) -> None:
    content, headers = sent(address=address)
    assert f"\r\nTo: {address}\r\n".encode() in content
    assert {name for name, _ in headers} == HEADERS
