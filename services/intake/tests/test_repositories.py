"""The same suite on memory and on MongoDB."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from intake_fakes import InMemoryBlocks, InMemoryLearnedRepository, InMemoryUploadRepository

from caseway_contracts.cases import CaseClosed
from caseway_contracts.sheets import CaseSheet
from caseway_kit.messaging import Encoded
from caseway_kit.mongo import Database, connect
from caseway_kit.objects import Objects
from caseway_kit.testing.clock import FixedClock
from intake.cases import Case, Fact, Request
from intake.checks import Attached
from intake.drafts import Draft, event_of
from intake.mongo_cases import MongoCaseRepository
from intake.mongo_profile_facts import MongoLearnedRepository
from intake.mongo_uploads import MongoUploadRepository
from intake.ports import CaseRepository, KeyTaken, NumberTaken, Person, UploadClaimed
from intake.profile_facts import Learned, LearnedRepository
from intake.sr_blocks import Blocks, MongoBlocks, SrNumbers
from intake.upload import Part, Upload
from intake.uploads import Quota, UploadRepository

BOTH = ["memory", pytest.param("mongo", marks=pytest.mark.integration)]
SR = "SR01-000000042-4"
Stored = Callable[..., tuple[Case, Any]]


@pytest.fixture
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    client = connect(request.getfixturevalue("mongo_url"), app_name="test")
    yield client.database(request.getfixturevalue("mongo_database"))
    await client.close()


@pytest.fixture
def published() -> list[Encoded]:
    return []


@pytest.fixture
async def mongo_cases(
    database: Database, objects: Objects, clock: FixedClock, published: list[Encoded]
) -> MongoCaseRepository:
    async def publish(events: Sequence[Encoded]) -> None:
        published.extend(events)

    repository = MongoCaseRepository(database.collection("cases"), publish, objects, clock)
    await repository.prepare()
    return repository


@pytest.fixture(params=BOTH)
def repository(request: pytest.FixtureRequest) -> CaseRepository:
    found: CaseRepository = request.getfixturevalue("cases" if request.param == "memory" else "mongo_cases")
    return found


@pytest.fixture
def make_upload_record(clock: FixedClock) -> Callable[..., Upload]:
    def make(upload_id: str = "u1", **changes: Any) -> Upload:
        known = {
            "upload_id": upload_id,
            "account_id": "acme",
            "contact_id": "anna",
            "name": "a.txt",
            "state": "open",
            "created_at": clock.now(),
            "expires_at": clock.now() + timedelta(hours=24),
        }
        return Upload.model_validate(known | changes)

    return make


@pytest.fixture
def make_case(person: Person, clock: FixedClock, make_upload_record: Callable[..., Upload]) -> Stored:
    def make(
        number: str = SR, key: str | None = None, uploads: Sequence[str] = (), by: Person = person
    ) -> tuple[Case, Any]:
        body = {
            "issue_type": "threat",
            "category": "spam",
            "severity": "low",
            "profile_id": "p1",
            "subject": "S",
            "description": "D",
        }
        ready = [make_upload_record(one, state="ready", sha256="0" * 64, size=1) for one in uploads]
        attached = [Attached(upload, None, None, "file") for upload in ready]
        profile = {"product": "apex-one", "revision": 1}
        draft = Draft.of("01", by, body, profile, "v1", attached, clock.now(), ())
        request = None if key is None else Request(key=key, fingerprint="f", revision=1)
        return draft.case(number, request)

    return make


async def test_a_case_is_found_as_it_was_stored(repository: CaseRepository, make_case: Stored) -> None:
    case, event = make_case(key="k1", uploads=["u1"])
    await repository.add(case, event)
    assert await repository.find(SR, "acme") == case
    assert await repository.find(SR, None) == case
    assert await repository.find(SR, "evil") is None
    assert await repository.by_key("acme", "k1") == case
    assert await repository.by_key("evil", "k1") is None
    assert await repository.claimed(["u1", "u2"]) == {"u1"}


async def test_numbers_keys_and_uploads_are_given_out_once(
    repository: CaseRepository, make_case: Stored, person: Person
) -> None:
    await repository.add(*make_case("SR01-000000001-0", key="k1", uploads=["u1", "u2"]))
    for taken, case in (
        (NumberTaken, make_case("SR01-000000001-0")),
        (KeyTaken, make_case("SR01-000000002-0", key="k1")),
        (UploadClaimed, make_case("SR01-000000003-0", uploads=["u3", "u2"])),
    ):
        with pytest.raises(taken):
            await repository.add(*case)
    stranger = Person("eve", "evil", "eve@example.com")
    await repository.add(*make_case("SR01-000000004-0", key="k1", by=stranger))
    for number in (5, 6):  # without keys and uploads there is nothing to be the same
        await repository.add(*make_case(f"SR01-00000000{number}-0"))


async def test_equal_cases_at_once_are_stored_once(repository: CaseRepository, make_case: Stored) -> None:
    made = [make_case(f"SR01-0000000{number:02}-0", key="k1") for number in range(20)]
    results = await asyncio.gather(*(repository.add(*one) for one in made), return_exceptions=True)
    assert sum(isinstance(result, KeyTaken) for result in results) == 19
    assert (await repository.by_key("acme", "k1")) is not None


async def test_a_change_needs_the_revision_that_it_was_made_of(
    repository: CaseRepository, make_case: Stored, person: Person, clock: FixedClock
) -> None:
    case, event = make_case()
    await repository.add(case, event)
    closed = event_of(CaseClosed, case, person, clock.now(), uuid4(), update_id="x")
    fact = Fact(revision=2, type="CaseClosed", at=clock.now(), by="anna", update_id="x")
    after = case.with_fact(fact, Request(key="k9", fingerprint="f", revision=2, update_id="x"), closed=True)

    assert await repository.change(case, after, closed)
    assert not await repository.change(case, after, closed)
    assert await repository.find(SR, "acme") == after
    assert await repository.by_key("acme", "k9") == after
    other, event = make_case("SR01-000000002-0")
    await repository.add(other, event)
    with pytest.raises(KeyTaken):
        await repository.change(other, other.with_fact(fact, after.requests[-1]), closed)


async def test_changed_cases_are_found_by_their_account(
    repository: CaseRepository, make_case: Stored, clock: FixedClock
) -> None:
    case, event = make_case()
    await repository.add(case, event)
    assert await repository.changed_since("acme", clock.now(), 10) == [case]
    assert await repository.changed_since(None, clock.now(), 10) == [case]
    assert await repository.changed_since("evil", clock.now(), 10) == []


@pytest.mark.integration
async def test_what_waits_to_be_published_counts_as_changed(
    mongo_cases: MongoCaseRepository, make_case: Stored, clock: FixedClock, published: list[Encoded], objects: Objects
) -> None:
    case, event = make_case()
    await mongo_cases.add(case, event)
    clock.advance(100)
    assert await mongo_cases.changed_since("acme", clock.now(), 10) == [case]
    assert await mongo_cases.changed_since("evil", clock.now(), 10) == []

    relay = asyncio.create_task(mongo_cases.relay.run())
    try:
        async with asyncio.timeout(60):
            while (await mongo_cases.relay.backlog()).count:
                await asyncio.sleep(0.01)
    finally:
        relay.cancel()

    assert [one.event_id for one in published] == [str(event.event_id)]
    sheet = await objects.get_json(event.sheet, CaseSheet)
    assert sheet == case.sheet()
    assert await mongo_cases.changed_since("acme", clock.now(), 10) == []


@pytest.fixture
async def mongo_uploads(database: Database) -> MongoUploadRepository:
    repository = MongoUploadRepository(database.collection("uploads"))
    await repository.prepare()
    return repository


@pytest.fixture(params=BOTH)
def upload_repository(request: pytest.FixtureRequest) -> UploadRepository:
    name = "known_uploads" if request.param == "memory" else "mongo_uploads"
    found: UploadRepository = request.getfixturevalue(name)
    assert isinstance(found, InMemoryUploadRepository | MongoUploadRepository)
    return found


async def test_an_upload_grows_only_where_it_stands(
    upload_repository: UploadRepository, make_upload_record: Callable[..., Upload]
) -> None:
    await upload_repository.add(make_upload_record(length=10))
    await upload_repository.begin_part("u1", "w1")
    assert await upload_repository.add_part("u1", 0, Part(key="a", size=4))
    assert not await upload_repository.add_part("u1", 0, Part(key="b", size=4))
    found = (await upload_repository.find("acme", ["u1", "u2"]))["u1"]
    assert (found.offset, [part.key for part in found.parts], found.writers) == (4, ["a"], ("w1",))
    assert await upload_repository.find("evil", ["u1"]) == {}


async def test_what_no_case_names_is_held(
    upload_repository: UploadRepository, make_upload_record: Callable[..., Upload]
) -> None:
    assert await upload_repository.held("acme") == Quota(0, 0)
    for name, account, length in (("u1", "acme", 10), ("u2", "acme", 4), ("u3", "evil", 7)):
        await upload_repository.add(make_upload_record(name, account_id=account, length=length))
    assert await upload_repository.held("acme") == Quota(2, 14)
    await upload_repository.keep(["u1"])
    assert await upload_repository.held("acme") == Quota(1, 4)
    assert await upload_repository.held_ids("acme") == ["u2"]


async def test_an_upload_expires_until_a_case_names_it(
    upload_repository: UploadRepository, make_upload_record: Callable[..., Upload], clock: FixedClock
) -> None:
    for name in ("u1", "u2", "u3"):
        await upload_repository.add(make_upload_record(name))
    ready = make_upload_record("u1", state="ready", sha256="0" * 64, size=4, offset=4, type="text/plain")
    await upload_repository.finish(ready)
    later = clock.now() + timedelta(hours=25)
    assert {one.upload_id for one in await upload_repository.expired(later, 10)} == {"u1", "u2", "u3"}
    await upload_repository.keep(["u1"])
    await upload_repository.remove("u2")
    assert [one.upload_id for one in await upload_repository.expired(later, 10)] == ["u3"]
    kept = (await upload_repository.find("acme", ["u1"]))["u1"]
    assert (kept.state, kept.sha256, kept.expires_at) == ("ready", "0" * 64, None)


@pytest.fixture(params=BOTH)
def learned_repository(request: pytest.FixtureRequest) -> LearnedRepository:
    if request.param == "memory":
        return InMemoryLearnedRepository()
    database: Database = request.getfixturevalue("database")
    return MongoLearnedRepository(database.collection("profile_facts"))


async def test_what_was_learned_is_found_by_others(learned_repository: LearnedRepository, clock: FixedClock) -> None:
    disabled = Learned("c1", "contact", "e1", "d1", clock.now(), clock.now(), out=True, revision=1)
    saved = Learned("p1", "profile", "e2", "d2", clock.now(), clock.now() + timedelta(seconds=5), out=False, revision=4)
    for learned in (disabled, saved, saved):
        await learned_repository.save(learned)
    assert await learned_repository.find("c1") == disabled
    assert await learned_repository.find("c2") is None
    assert list(await learned_repository.out()) == [disabled]
    assert list(await learned_repository.since(clock.now() + timedelta(seconds=1))) == [saved]


@pytest.fixture(params=BOTH)
def blocks(request: pytest.FixtureRequest) -> Blocks:
    if request.param == "memory":
        return InMemoryBlocks()
    database: Database = request.getfixturevalue("database")
    return MongoBlocks(database.collection("sr_blocks"))


async def test_two_processes_never_give_out_one_number(blocks: Blocks) -> None:
    processes = [SrNumbers("01", blocks) for _ in range(4)]
    taken = await asyncio.gather(*(processes[turn % 4].take() for turn in range(3000)))
    assert len(set(taken)) == 3000
    assert "SR01-000000001" in {number[:14] for number in taken}


async def test_a_dropped_block_is_not_gone_back_to(blocks: Blocks) -> None:
    numbers = SrNumbers("01", blocks)
    first = await numbers.take()
    numbers.drop_block()
    assert int((await numbers.take())[5:14]) == int(first[5:14]) + 500
