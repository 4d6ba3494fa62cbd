import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from faststream.kafka import TestKafkaBroker
from url_rating_fakes import InMemoryContactRepository, InMemoryListRepository

from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.cases import CaseSubmitted, CaseUpdated
from caseway_contracts.sheets import SheetUrl
from caseway_kit.contacts import DisabledContacts
from caseway_kit.errors import OutageError
from caseway_kit.messaging import Consumers, Delivery, build_broker, emit, encode
from caseway_kit.messaging.attempts import MemoryAttempts
from caseway_kit.messaging.wire import body_digest
from caseway_kit.testing.clock import FixedClock
from caseway_kit.testing.examples import examples
from url_rating.handlers import inlet, ratings
from url_rating.service import UrlRating

MakeCase = Callable[..., Awaitable[CaseSubmitted | CaseUpdated]]
MakeAnalyzed = Callable[..., Awaitable[EvidenceAnalyzed]]
BROKER = build_broker("localhost:9", service="url-rating")


class Kafka:
    """The service on the in-memory broker, and what it sent."""

    def __init__(self) -> None:
        self.stated: list[dict[str, Any]] = []
        self.parked: list[dict[str, str]] = []
        self.waits: list[float] = []

    async def publish(self, message: bytes, topic: str, *, key: bytes | None, headers: dict[str, str]) -> None:
        self.parked.append(headers)

    async def send(self, topic: str, body: bytes) -> None:
        await BROKER.publish(body, topic, headers={"content-type": "application/json"})

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def disabled() -> DisabledContacts:
    return DisabledContacts(InMemoryContactRepository())


@pytest.fixture(scope="module")
def consumers() -> Consumers:
    return Consumers(BROKER, inlet, Delivery("url-rating", BROKER))


@pytest.fixture
async def kafka(
    consumers: Consumers, rating: UrlRating, disabled: DisabledContacts, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Kafka]:
    kafka = Kafka()

    async def state_the_delay(event: Any, reason: str) -> None:
        if delayed := await rating.delayed(event, reason):
            await emit(ratings, delayed)

    delivery = Delivery("url-rating", kafka, MemoryAttempts(), on_parked=state_the_delay, sleep=kafka.sleep)
    BROKER.context.set_global("delivery", delivery)
    BROKER.context.set_global("rating", rating)
    BROKER.context.set_global("disabled", disabled)
    send = ratings.publish

    async def publish(message: bytes, **options: Any) -> None:
        kafka.stated.append(json.loads(message))
        await send(message, **options)

    monkeypatch.setattr(ratings, "publish", publish)
    async with TestKafkaBroker(BROKER):
        yield kafka


def body(event: Any) -> bytes:
    return encode(event, source="intake").body.encode()


async def test_typed_urls_are_stated_on_ratings(kafka: Kafka, make_case: MakeCase) -> None:
    case = await make_case(SheetUrl(evidence_id="url-1", url="http://phishing.test/", requested_rating="dangerous"))
    await kafka.send("cases", body(case))
    assert [(one["type"], one["key"], one["caused_by"]) for one in kafka.stated] == [
        ("UrlsRated", case.key, str(case.event_id)),
        ("UrlReclassified", case.key, str(case.event_id)),
    ]
    assert kafka.parked == []


@pytest.mark.parametrize("topic", ["analyses", "analyses-attk-log"])
async def test_found_urls_of_any_team_are_stated_on_ratings(
    kafka: Kafka, make_analyzed: MakeAnalyzed, topic: str
) -> None:
    await kafka.send(topic, body(await make_analyzed("http://phishing.test/")))
    assert [(one["type"], one["worst"]) for one in kafka.stated] == [("UrlsRated", "dangerous")]


async def test_redelivery_states_the_same_again(kafka: Kafka, make_analyzed: MakeAnalyzed) -> None:
    analyzed = body(await make_analyzed("http://phishing.test/"))
    for _ in range(3):
        await kafka.send("analyses", analyzed)
    assert len(kafka.stated) == 3
    assert all(one == kafka.stated[0] for one in kafka.stated)


async def test_what_was_saved_before_a_crash_is_what_is_stated(
    kafka: Kafka, rating: UrlRating, make_analyzed: MakeAnalyzed
) -> None:
    analyzed = await make_analyzed("http://phishing.test/")
    saved = await rating.rate_found_urls(analyzed, body_digest(body(analyzed)))
    await kafka.send("analyses", body(analyzed))
    assert kafka.stated == [json.loads(one.body) for one in saved]


async def test_same_id_with_other_facts_is_parked_and_delays_nothing(kafka: Kafka, make_analyzed: MakeAnalyzed) -> None:
    analyzed = await make_analyzed("http://phishing.test/")
    await kafka.send("analyses", body(analyzed))
    await kafka.send("analyses", body(analyzed.model_copy(update={"files": 99})))
    assert [headers["dlq-reason"] for headers in kafka.parked] == ["invalid"]
    assert [one["type"] for one in kafka.stated] == ["UrlsRated"]


async def test_a_lot_that_is_parked_again_is_delayed_in_the_same_words(
    kafka: Kafka, rating: UrlRating, make_analyzed: MakeAnalyzed, clock: FixedClock
) -> None:
    """Readers would take other words under the same id for a forgery."""
    analyzed = await make_analyzed("http://phishing.test/")
    first = await rating.delayed(analyzed, "bug")
    clock.advance(60)
    assert await rating.delayed(analyzed, "killed") == first


async def test_outage_is_waited_out(
    kafka: Kafka,
    make_analyzed: MakeAnalyzed,
    memory_lists: InMemoryListRepository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find, outages = memory_lists.find, [OutageError("MongoDB"), OutageError("MongoDB")]

    async def away_at_first(digests: Any) -> Any:
        if outages:
            raise outages.pop()
        return await find(digests)

    monkeypatch.setattr(memory_lists, "find", away_at_first)
    await kafka.send("analyses", body(await make_analyzed("http://phishing.test/")))
    assert len(kafka.waits) == 1  # the first outage sends the batch to be handled one by one
    assert [one["type"] for one in kafka.stated] == ["UrlsRated"]
    assert kafka.parked == []


@pytest.mark.parametrize("poison", [b"", b"not json", b'{"type": "EvidenceAnalyzed"}', b"\xff"])
async def test_undecodable_message_is_parked(kafka: Kafka, poison: bytes) -> None:
    await kafka.send("analyses", poison)
    assert [headers["dlq-reason"] for headers in kafka.parked] == ["undecodable"]


@pytest.mark.parametrize(
    ("topic", "name", "raw"),
    [
        pytest.param(topic, *example.values, id=f"{topic}/{example.id}")
        for topic in ("cases", "analyses", "profiles")
        for example in examples(topic)
    ],
)
async def test_every_example_of_history_is_read(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch, rating: UrlRating, topic: str, name: str, raw: bytes
) -> None:
    # The examples' objects are not there: what counts is that each is decoded and reaches its use case or is passed by.
    async def nothing(*_: object) -> tuple[()]:
        return ()

    for use_case in ("rate_case_urls", "rate_found_urls", "forget"):
        monkeypatch.setattr(rating, use_case, nothing)
    await kafka.send(topic, raw)
    assert kafka.parked == []


@pytest.mark.parametrize(
    ("name", "raw"), [one for one in examples("profiles") if str(one.id).startswith("ContactDisabled")]
)
async def test_contact_that_is_disabled_is_known_to_the_check_of_tokens(
    kafka: Kafka, disabled: DisabledContacts, name: str, raw: bytes
) -> None:
    contact = json.loads(raw)["subject_id"]
    assert contact not in disabled, name
    await kafka.send("profiles", raw)
    assert contact in disabled
