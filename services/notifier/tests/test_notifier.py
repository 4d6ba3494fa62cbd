"""Which mails a case calls for: one to each recipient for each fact, whatever comes twice or too early."""

import pytest
from notifier_fakes import InMemoryLetters, Make

from caseway_kit.errors import InvalidEvent
from caseway_kit.objects import Objects
from notifier.letters import Letter
from notifier.service import Notifier


def written(letters: InMemoryLetters) -> list[tuple[str, str]]:
    return sorted((letter.kind, letter.address) for letter in letters.letters.values())


async def test_a_new_case_is_confirmed_to_every_recipient_with_its_number_in_the_subject(
    notifier: Notifier, memory_letters: InMemoryLetters, make_submitted: Make
) -> None:
    await notifier.take(await make_submitted("ann@customer.example", "bob@customer.example"))
    assert written(memory_letters) == [
        ("confirmation", "ann@customer.example"),
        ("confirmation", "bob@customer.example"),
    ]
    letter = next(iter(memory_letters.letters.values()))
    assert "SR01-000000042-4" in letter.subject
    assert "https://portal.example/cases/SR01-000000042-4" in letter.text


async def test_a_redelivered_event_writes_no_second_letter(
    notifier: Notifier, memory_letters: InMemoryLetters, make_submitted: Make
) -> None:
    event = await make_submitted()
    for _ in range(3):
        await notifier.take(event)
    assert len(memory_letters.letters) == 1


async def test_the_same_id_with_other_facts_is_refused(notifier: Notifier, make_submitted: Make) -> None:
    event = await make_submitted()
    await notifier.take(event)
    with pytest.raises(InvalidEvent):
        await notifier.take(event.model_copy(update={"severity": "critical"}))


async def test_completion_that_comes_before_the_case_is_written_once_the_case_is_known(
    notifier: Notifier, memory_letters: InMemoryLetters, make_submitted: Make, make_completed: Make
) -> None:
    await notifier.take(make_completed())
    assert memory_letters.letters == {}
    await notifier.take(await make_submitted())
    assert [kind for kind, _ in written(memory_letters)] == ["analysis-complete", "confirmation"]


async def test_a_case_without_evidence_gets_no_completion_mail(
    notifier: Notifier, memory_letters: InMemoryLetters, make_submitted: Make, make_completed: Make
) -> None:
    await notifier.take(await make_submitted())
    await notifier.take(make_completed(covers=[]))
    assert [kind for kind, _ in written(memory_letters)] == ["confirmation"]


async def test_an_added_recipient_gets_updates_and_no_confirmation(
    notifier: Notifier, memory_letters: InMemoryLetters, make_submitted: Make, make_updated: Make
) -> None:
    await notifier.take(await make_submitted("ann@customer.example"))
    await notifier.take(await make_updated("new@customer.example"))
    assert written(memory_letters) == [
        ("confirmation", "ann@customer.example"),
        ("update", "ann@customer.example"),
        ("update", "new@customer.example"),
    ]


async def test_an_update_that_comes_before_its_case_waits_for_it(
    notifier: Notifier, memory_letters: InMemoryLetters, make_submitted: Make, make_updated: Make
) -> None:
    await notifier.take(await make_updated())
    assert memory_letters.letters == {}
    await notifier.take(await make_submitted())
    assert [kind for kind, _ in written(memory_letters)] == ["confirmation", "update"]


async def test_an_event_of_another_account_is_refused(
    notifier: Notifier, make_submitted: Make, make_completed: Make
) -> None:
    await notifier.take(await make_submitted())
    with pytest.raises(InvalidEvent):
        await notifier.take(make_completed(account_id="a2"))


async def test_erased_words_write_nothing(
    notifier: Notifier, memory_letters: InMemoryLetters, objects: Objects, make_submitted: Make
) -> None:
    event = await make_submitted()
    await objects.delete(event.sheet.key)
    await notifier.take(event)
    assert memory_letters.letters == {}


@pytest.mark.parametrize("subject", ["a\r\nBcc: eve@evil.example", "a\nb", "a\x00b", "a\u2028b", "ä" * 255])
async def test_a_subject_cannot_add_a_header(
    notifier: Notifier, memory_letters: InMemoryLetters, make_submitted: Make, subject: str
) -> None:
    from email import message_from_bytes, policy
    from email.headerregistry import Address

    from notifier.letters import message

    await notifier.take(await make_submitted(subject=subject))
    letter: Letter = next(iter(memory_letters.letters.values()))
    mail = message_from_bytes(
        message(letter, sender=Address("Caseway", addr_spec="support@caseway.example")).as_bytes(),
        policy=policy.default,
    )
    assert mail["Bcc"] is None
    assert mail["X-Caseway-Case"] == "SR01-000000042-4"
    assert mail["Message-ID"] == f"<{letter.id}@caseway>"
