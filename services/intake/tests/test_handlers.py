from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from faststream.kafka import TestKafkaBroker
from intake_fakes import FakeProfiles, InMemoryLearnedRepository

from caseway_contracts.base import Event
from caseway_contracts.profiles import ContactDisabled, ContactSaved, ProductProfileDeleted, ProductProfileSaved
from caseway_kit.messaging import Consumers, Delivery, build_broker
from caseway_kit.messaging.attempts import MemoryAttempts
from caseway_kit.testing.clock import FixedClock
from caseway_kit.testing.examples import examples
from intake.handlers import inlet
from intake.ports import Person
from intake.profile_facts import ProfileFacts
from intake.profiles_cache import ProfilesCache

BROKER = build_broker("localhost:9", service="intake")
State = Callable[..., Any]


class Kafka:
    """The service's subscribers on the in-memory broker, and what they parked."""

    def __init__(self) -> None:
        self.parked: list[dict[str, str]] = []

    async def publish(self, message: bytes, topic: str, *, key: bytes | None, headers: dict[str, str]) -> None:
        self.parked.append(headers)

    async def send(self, body: bytes) -> None:
        await BROKER.publish(body, "profiles", headers={"content-type": "application/json"})


@pytest.fixture(scope="module")
def consumers() -> Consumers:
    return Consumers(BROKER, inlet, Delivery("intake", BROKER))


@pytest.fixture
def learned() -> InMemoryLearnedRepository:
    return InMemoryLearnedRepository()


@pytest.fixture
def cache(profiles: FakeProfiles) -> ProfilesCache:
    return ProfilesCache(profiles.fetch)


@pytest.fixture
def facts(learned: InMemoryLearnedRepository, cache: ProfilesCache, clock: FixedClock) -> ProfileFacts:
    return ProfileFacts(learned, cache, clock)


@pytest.fixture
async def kafka(consumers: Consumers, facts: ProfileFacts) -> AsyncIterator[Kafka]:
    kafka = Kafka()
    BROKER.context.set_global("delivery", Delivery("intake", kafka, MemoryAttempts()))
    BROKER.context.set_global("facts", facts)
    async with TestKafkaBroker(BROKER):
        yield kafka


@pytest.fixture
def state(kafka: Kafka, clock: FixedClock) -> State:
    async def state(kind: type[Event], subject: str, *, after: float = 0, **facts: Any) -> Event:
        known = {
            "event_id": uuid4(),
            "occurred_at": clock.now() + timedelta(seconds=after),
            "key": "acme",
            "account_id": "acme",
            "subject_id": subject,
            "revision": 1,
        }
        event = kind.model_validate(known | facts)
        await kafka.send(event.model_dump_json().encode())
        return event

    return state


PROFILE = {"product": "apex-one", "product_version": "2019", "operating_systems": [], "language": "en"}


async def test_a_profile_is_asked_for_again_once_a_newer_one_is_stated(
    state: State, cache: ProfilesCache, profiles: FakeProfiles, person: Person
) -> None:
    for _ in range(2):
        await cache.profile("acme", person.token, "p1")
    await state(ProductProfileSaved, "p1", revision=3, **PROFILE)
    await cache.profile("acme", person.token, "p1")
    assert profiles.asked == ["p1"]
    await state(ProductProfileSaved, "p1", revision=4, after=1, **PROFILE)
    await cache.profile("acme", person.token, "p1")
    assert profiles.asked == ["p1", "p1"]


async def test_a_deleted_profile_is_gone_at_once(state: State, cache: ProfilesCache, person: Person) -> None:
    assert await cache.profile("acme", person.token, "p1")
    await state(ProductProfileDeleted, "p1")
    assert await cache.profile("acme", person.token, "p1") is None


async def test_a_disabled_contact_is_out_until_it_is_saved_again(state: State, facts: ProfileFacts) -> None:
    await state(ContactDisabled, "c1")
    assert "c1" in facts.disabled
    await state(ContactSaved, "c1", after=-5, role="customer")
    assert "c1" in facts.disabled
    await state(ContactSaved, "c1", after=5, role="customer")
    assert "c1" not in facts.disabled


async def test_a_restart_still_knows_who_is_out(
    state: State, learned: InMemoryLearnedRepository, cache: ProfilesCache, clock: FixedClock
) -> None:
    await state(ContactDisabled, "c1")
    restarted = ProfileFacts(learned, cache, clock)
    await restarted.load()
    assert restarted.disabled == {"c1"}


async def test_the_same_event_with_other_facts_is_parked(state: State, kafka: Kafka, facts: ProfileFacts) -> None:
    event = await state(ContactDisabled, "c1")
    await state(ContactDisabled, "c1")
    assert kafka.parked == []
    forged = event.model_copy(update={"account_id": "evil"})
    # Only the latest of a subject is kept, so the forgery is of that one.
    await state(ContactDisabled, "c2", event_id=forged.event_id)
    await state(ContactDisabled, "c2", event_id=forged.event_id, revision=9)
    assert [headers["dlq-reason"] for headers in kafka.parked] == ["invalid"]


@pytest.mark.parametrize(("name", "raw"), examples("profiles"))
async def test_every_event_that_was_ever_released_is_read(kafka: Kafka, name: str, raw: bytes) -> None:
    await kafka.send(raw)
    assert kafka.parked == []


@pytest.mark.parametrize("poison", [b"", b"[]", b'{"type": "ContactDisabled"}', b"\xff", b"1" * 5000])
async def test_poison_is_parked_and_blocks_nothing(
    kafka: Kafka, facts: ProfileFacts, state: State, poison: bytes
) -> None:
    await kafka.send(poison)
    await state(ContactDisabled, "c9")
    assert [headers["dlq-reason"] for headers in kafka.parked] == ["undecodable"]
    assert facts.disabled == {"c9"}
