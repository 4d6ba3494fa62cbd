"""Sending: each letter once, later when it must wait, never when it is refused. On memory and on MongoDB."""

import asyncio
import contextlib
import json
from typing import Any

import pytest
from notifier_fakes import InMemoryLetters, Make, RecordingMailer

from caseway_kit.errors import OutageError
from caseway_kit.testing.clock import FixedClock
from notifier.delivery import Delivery, Refused
from notifier.letters import Letter


@pytest.fixture
def letter(clock: FixedClock) -> Letter:
    cause = {
        "event_id": "00000000-0000-0000-0000-000000000007",
        "type": "CaseSubmitted",
        "version": 1,
        "occurred_at": "2026-01-05T09:00:00Z",
        "key": "SR01-000000042-4",
        "account_id": "a1",
        "subject_id": "SR01-000000042-4",
        "revision": 1,
    }
    return Letter(
        id="m1",
        sr_number="SR01-000000042-4",
        account_id="a1",
        kind="confirmation",
        recipient_id="r1",
        address="ann@customer.example",
        subject="s",
        text="t",
        created_at=clock.now(),
        cause=json.dumps(cause),
    )


@pytest.fixture
def mailer() -> RecordingMailer:
    return RecordingMailer()


async def test_a_letter_is_sent_once(letters: Any, letter: Letter, mailer: RecordingMailer, clock: FixedClock) -> None:
    delivery = Delivery(letters, [mailer], clock=clock)
    await letters.add([letter])
    await letters.add([letter])
    assert await delivery.send_one(mailer)
    assert not await delivery.send_one(mailer)
    clock.advance(3600)
    assert not await delivery.send_one(mailer)
    assert [one.id for one in mailer.sent] == ["m1"]


async def test_a_leased_letter_is_not_sent_by_a_second_sender_until_the_lease_ends(
    letters: Any, letter: Letter, clock: FixedClock
) -> None:
    from notifier.delivery import LEASE

    await letters.add([letter])
    assert await letters.due()
    assert await letters.claim(clock.now() + LEASE) is not None
    assert await letters.claim(clock.now() + LEASE) is None
    assert not await letters.due()
    clock.advance(LEASE.total_seconds() + 1)
    assert await letters.claim(clock.now() + LEASE) == (letter, 1)


async def test_an_outage_is_tried_again_after_growing_waits(
    letters: Any, letter: Letter, mailer: RecordingMailer, clock: FixedClock
) -> None:
    delivery = Delivery(letters, [mailer], clock=clock)
    mailer.failures = [OutageError("SMTP"), OutageError("SMTP")]
    await letters.add([letter])
    for wait in (2, 5):
        assert await delivery.send_one(mailer)
        assert not await delivery.send_one(mailer)
        clock.advance(wait)
    assert await delivery.send_one(mailer)
    assert len(mailer.sent) == 1


async def test_a_sent_letter_is_stated(
    memory_letters: InMemoryLetters, letter: Letter, mailer: RecordingMailer, clock: FixedClock
) -> None:
    await memory_letters.add([letter])
    await Delivery(memory_letters, [mailer], clock=clock).send_one(mailer)
    [stated] = [json.loads(one.body) for one in memory_letters.stated]
    assert (stated["type"], stated["subject_id"], stated["recipient_id"]) == ("NotificationSent", "m1", "r1")
    assert "ann@customer.example" not in json.dumps(stated)


@pytest.mark.parametrize(
    ("hours", "failure", "reason"), [(0, Refused("550"), "refused"), (25, OutageError("SMTP"), "expired")]
)
async def test_a_letter_that_cannot_be_delivered_fails_visibly(
    memory_letters: InMemoryLetters,
    letter: Letter,
    mailer: RecordingMailer,
    clock: FixedClock,
    hours: int,
    failure: Exception,
    reason: str,
) -> None:
    await memory_letters.add([letter])
    clock.advance(hours * 3600)
    mailer.failures = [failure]
    await Delivery(memory_letters, [mailer], clock=clock).send_one(mailer)
    [stated] = [json.loads(one.body) for one in memory_letters.stated]
    assert (stated["type"], stated["reason"]) == ("NotificationFailed", reason)


async def test_letters_are_sent_when_the_sender_is_woken_or_looks_for_itself(
    memory_letters: InMemoryLetters, letter: Letter, mailer: RecordingMailer, clock: FixedClock
) -> None:
    delivery = Delivery(memory_letters, [mailer], clock=clock)
    running = asyncio.create_task(delivery.run())
    await memory_letters.add([letter])
    delivery.wake()
    await memory_letters.add([letter.model_copy(update={"id": "m2"})])
    async with asyncio.timeout(60):
        while len(mailer.sent) < 2:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])


async def test_a_letter_that_meets_a_bug_is_given_up_and_holds_up_no_other(
    memory_letters: InMemoryLetters, letter: Letter, mailer: RecordingMailer, clock: FixedClock
) -> None:
    delivery = Delivery(memory_letters, [mailer], clock=clock)
    mailer.failures = [ZeroDivisionError() for _ in range(6)]
    await memory_letters.add([letter])
    for _ in range(6):
        assert await delivery.send_one(mailer)
        clock.advance(3600)
    assert memory_letters.settled == {"m1": "failed"}
    other = letter.model_copy(update={"id": "m2"})
    await memory_letters.add([other])
    assert await delivery.send_one(mailer)
    assert memory_letters.settled["m2"] == "sent"


async def test_a_correspondence_comes_back_as_it_was_saved(cases: Any, make_submitted: Make) -> None:
    from notifier.correspondence import Correspondence
    from notifier.service import Stored

    stored = Stored(Correspondence(sr_number="SR01-000000042-4", account_id="a1"), 1, (("e1", "d1"),))
    assert await cases.save(stored)
    assert not await cases.save(stored)
    assert await cases.find("SR01-000000042-4") == stored
    assert await cases.find("SR01-000000099-0") is None


async def test_a_stop_records_the_letter_that_the_server_is_taking(
    letters: Any, letter: Letter, clock: FixedClock
) -> None:
    taking, taken = asyncio.Event(), asyncio.Event()

    class SlowMailer(RecordingMailer):
        async def send(self, letter: Letter) -> None:
            taking.set()
            await taken.wait()
            await super().send(letter)

    mailer = SlowMailer()
    delivery = Delivery(letters, [mailer], clock=clock)
    await letters.add([letter])
    running = asyncio.create_task(delivery.run())
    delivery.wake()
    await asyncio.wait_for(taking.wait(), 60)
    running.cancel()
    await asyncio.sleep(0)
    taken.set()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    clock.advance(3600)
    assert not await letters.due()
    assert len(mailer.sent) == 1


async def test_a_letter_is_looked_for_once_by_all_senders_together(
    memory_letters: InMemoryLetters, letter: Letter, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, asked = memory_letters.claim, []

    async def counted(until: Any) -> Any:
        asked.append(until)
        return await claim(until)

    monkeypatch.setattr(memory_letters, "claim", counted)
    mailers = [RecordingMailer() for _ in range(8)]
    delivery = Delivery(memory_letters, mailers, clock=clock)
    running = asyncio.create_task(delivery.run())
    await memory_letters.add([letter.model_copy(update={"id": f"m{number}"}) for number in range(5)])
    delivery.wake()
    async with asyncio.timeout(60):
        while len(memory_letters.settled) < 5 or len(asked) < 6:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.wait([running])
    assert sum(len(one.sent) for one in mailers) == 5
    assert len(asked) < 5 + len(mailers), "each would have looked for itself"


async def test_an_answer_of_the_mail_server_is_kept_while_it_cannot_be_recorded_and_no_other_letter_goes_out(
    memory_letters: InMemoryLetters, letter: Letter, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailers = [RecordingMailer(), RecordingMailer()]
    record, away = memory_letters.settle, asyncio.Event()

    async def settle(*settled: Any) -> None:
        if not back.is_set():
            away.set()
            raise OutageError("MongoDB")
        await record(*settled)

    back = asyncio.Event()
    monkeypatch.setattr(memory_letters, "settle", settle)
    delivery = Delivery(memory_letters, mailers, clock=clock)
    await memory_letters.add([letter, letter.model_copy(update={"id": "m2"})])
    first = asyncio.create_task(delivery.send_one(mailers[0]))
    await asyncio.wait_for(away.wait(), 60)
    clock.advance(3600)
    second = asyncio.create_task(delivery.send_one(mailers[1]))
    await asyncio.sleep(1.5)
    assert [len(mailer.sent) for mailer in mailers] == [1, 0]
    back.set()
    assert await first
    assert await second
    assert [len(mailer.sent) for mailer in mailers] == [1, 1]
    assert memory_letters.settled == {"m1": "sent", "m2": "sent"}
