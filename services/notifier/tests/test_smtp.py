"""Against a real SMTP server on loopback."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from email.headerregistry import Address
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from caseway_kit.errors import OutageError
from notifier.delivery import Refused
from notifier.letters import Letter
from notifier.smtp import SmtpMailer

pytestmark = pytest.mark.integration


class Server:
    def __init__(self) -> None:
        self.answer = "250 taken"
        self.taken: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.taken.append(envelope)
        return self.answer


@pytest.fixture
def server(port: int) -> Iterator[Server]:
    handler = Server()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler
    controller.stop()


@pytest.fixture
def mailer(port: int) -> SmtpMailer:
    return SmtpMailer(f"smtp://127.0.0.1:{port}", sender=Address("Caseway", addr_spec="support@caseway.example"))


@pytest.fixture
def letter() -> Letter:
    return Letter(
        id="m1",
        sr_number="SR01-000000042-4",
        account_id="a1",
        kind="confirmation",
        recipient_id="r1",
        address="ann@customer.example",
        subject="Grüße\u200b \U0001f600",
        text=".\nMAIL FROM:<eve@evil.example>\n.\n",
        created_at=datetime(2026, 1, 5, tzinfo=UTC),
        cause="{}",
    )


async def test_a_letter_reaches_exactly_its_recipient_with_its_text_stuffed(
    server: Server, mailer: SmtpMailer, letter: Letter
) -> None:
    await mailer.send(letter)
    await mailer.send(letter)
    await mailer.close()
    assert [envelope.rcpt_tos for envelope in server.taken] == [["ann@customer.example"]] * 2
    assert b"Message-ID: <m1@caseway>" in server.taken[0].content
    assert b"MAIL FROM:<eve@evil.example>" in server.taken[0].content


@pytest.mark.parametrize(("answer", "error"), [("554 no", Refused), ("451 later", OutageError)])
async def test_the_servers_answer_decides_whether_to_try_again(
    server: Server, mailer: SmtpMailer, letter: Letter, answer: str, error: type[Exception]
) -> None:
    server.answer = answer
    with pytest.raises(error):
        await mailer.send(letter)
    server.answer = "250 taken"
    await mailer.send(letter)
    await mailer.close()
    assert len(server.taken) == 1


async def test_a_letter_that_no_mail_can_hold_is_refused_and_holds_up_no_other(
    server: Server, mailer: SmtpMailer, letter: Letter
) -> None:
    with pytest.raises(Refused):
        await mailer.send(letter.model_copy(update={"address": "\ud800@customer.example"}))
    await mailer.send(letter)
    await mailer.close()
    assert len(server.taken) == 1


async def test_a_server_that_is_away_is_an_outage(mailer: SmtpMailer, letter: Letter) -> None:
    with pytest.raises(OutageError):
        await mailer.send(letter)


async def test_a_server_that_offers_no_service_refuses_no_letter(port: int, mailer: SmtpMailer, letter: Letter) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 no service here\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", port):
        for _ in range(2):
            with pytest.raises(OutageError):
                await mailer.send(letter)
