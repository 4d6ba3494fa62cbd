"""Everybody of a case hears, once for each revision, that a verdict is another one now."""

import pytest
from notifier_fakes import InMemoryLetters, Make

from notifier.correspondence import is_revised
from notifier.service import Notifier

EVERYBODY = ("ann@customer.example", "cc@customer.example")


def revised(letters: InMemoryLetters) -> list[tuple[str, str]]:
    found = [one for one in letters.letters.values() if one.kind == "verdict-revised"]
    return sorted((one.address, one.text.partition("\n")[0]) for one in found)


@pytest.mark.parametrize(
    ("verdict", "previous", "says"),
    [
        ("malicious", "unknown", "What you sent is malicious. The verdict before was: nothing known against it."),
        ("clean", "malicious", "What you sent is clean. The verdict before was: malicious."),
        ("malicious", None, "A verdict on your case was revised. What you sent is malicious."),
        ("malicious", "malicious", "something inside what you sent was revised"),
    ],
)
async def test_a_revised_verdict_is_told_to_everybody(
    notifier: Notifier,
    memory_letters: InMemoryLetters,
    make_submitted: Make,
    make_revised: Make,
    verdict: str,
    previous: str | None,
    says: str,
) -> None:
    await notifier.take(await make_submitted(*EVERYBODY))
    for _ in range(2):
        await notifier.take(make_revised(verdict, previous))
    told = revised(memory_letters)
    assert [address for address, _ in told] == [*EVERYBODY]
    assert all(says in text for _, text in told)


async def test_each_revision_is_told_once(
    notifier: Notifier, memory_letters: InMemoryLetters, make_submitted: Make, make_revised: Make
) -> None:
    await notifier.take(make_revised())  # the case is not known yet
    await notifier.take(await make_submitted(*EVERYBODY))
    await notifier.take(make_revised("clean", "malicious", revision=3))
    await notifier.take(make_revised("clean", "malicious", revision=3))
    assert len(revised(memory_letters)) == 4


async def test_urls_that_are_rated_otherwise_are_told(
    notifier: Notifier, memory_letters: InMemoryLetters, make_submitted: Make, make_rated: Make
) -> None:
    await notifier.take(make_rated())
    await notifier.take(await make_submitted(*EVERYBODY))
    await notifier.take(make_rated(revision=3, changed=4))
    says = {text for _, text in revised(memory_letters)}
    assert len(revised(memory_letters)) == 4
    assert says == {
        "A URL of your case is rated otherwise than before.",
        "URLs of your case are rated otherwise than before.",
    }


@pytest.mark.parametrize(("revision", "changed"), [(1, 0), (1, 1), (2, 0)])
def test_ratings_that_say_the_same_are_told_to_nobody(make_rated: Make, revision: int, changed: int) -> None:
    assert not is_revised(make_rated(revision, changed))
