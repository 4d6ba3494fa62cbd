"""One suite on the fakes and on MongoDB."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from profiles_fakes import (
    InMemoryAccountRepository,
    InMemoryAttemptRepository,
    InMemoryClaimRepository,
    InMemoryCodeRepository,
    InMemoryContactRepository,
    InMemoryKeyRepository,
    InMemoryProfileRepository,
    InMemorySessionRepository,
)
from profiles_system import MakeRecord

from caseway_kit.mongo import Database
from caseway_kit.testing.clock import FixedClock
from profiles.facts import account_saved, profile_deleted, profile_saved
from profiles.mongo_claims import MongoClaimRepository
from profiles.mongo_records import (
    MongoAccountRepository,
    MongoCodeRepository,
    MongoContactRepository,
    MongoProfileRepository,
)
from profiles.mongo_sign_in import MongoAttemptRepository, MongoKeyRepository, MongoSessionRepository
from profiles.once import Claim
from profiles.records import ActivationCode, Taken
from profiles.sign_in import Session
from profiles.signing_keys import StoredKey
from profiles.throttle import Attempts

MEMORY: dict[str, Callable[[], Any]] = {
    "accounts": InMemoryAccountRepository,
    "contacts": InMemoryContactRepository,
    "profiles": InMemoryProfileRepository,
    "codes": InMemoryCodeRepository,
    "sessions": InMemorySessionRepository,
    "attempts": InMemoryAttemptRepository,
    "keys": InMemoryKeyRepository,
    "claims": InMemoryClaimRepository,
}
STATED: dict[str, Callable[..., Any]] = {
    "accounts": MongoAccountRepository,
    "contacts": MongoContactRepository,
    "profiles": MongoProfileRepository,
}
PLAIN: dict[str, Callable[..., Any]] = {
    "codes": MongoCodeRepository,
    "sessions": MongoSessionRepository,
    "attempts": MongoAttemptRepository,
    "keys": MongoKeyRepository,
    "claims": MongoClaimRepository,
}

Repository = Callable[[str], Awaitable[Any]]


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def repository(request: pytest.FixtureRequest) -> Repository:
    """The repository of that name."""
    if request.param == "memory":

        async def memory(name: str) -> Any:
            return MEMORY[name]()

        return memory
    database: Database = request.getfixturevalue("database")
    make_relay = request.getfixturevalue("make_relay")

    async def mongo(name: str) -> Any:
        collection = database.collection(name)
        kept = STATED[name](collection, make_relay(collection)) if name in STATED else PLAIN[name](collection)
        if hasattr(kept, "prepare"):
            await kept.prepare()
        return kept

    return mongo


async def test_a_record_is_found_as_it_was_added(repository: Repository, make_account: MakeRecord) -> None:
    accounts, account = await repository("accounts"), make_account(case_recipients=("a@example.com",))
    await accounts.add(account)
    assert await accounts.find("acc-1") == account
    assert await accounts.find("acc-2") is None


async def test_a_record_is_added_once(repository: Repository, make_account: MakeRecord, clock: FixedClock) -> None:
    accounts, account = await repository("accounts"), make_account()
    await accounts.add(account, account_saved(account, clock.now()))
    with pytest.raises(Taken):
        await accounts.add(account, account_saved(account, clock.now()))


async def test_a_record_is_replaced_over_the_revision_before_it_only(
    repository: Repository, make_account: MakeRecord, clock: FixedClock
) -> None:
    accounts, account = await repository("accounts"), make_account()
    await accounts.add(account)
    after = account.changed(name="Other Ltd")
    assert await accounts.replace(after, account_saved(after, clock.now()))
    assert not await accounts.replace(after, account_saved(after, clock.now()))
    assert await accounts.find("acc-1") == after


async def test_an_email_address_is_one_persons_across_accounts(
    repository: Repository, make_contact: MakeRecord
) -> None:
    contacts, ann = await repository("contacts"), make_contact("Ann@example.com")
    await contacts.add(ann)
    with pytest.raises(Taken):
        await contacts.add(make_contact("ann@EXAMPLE.com", account_id="acc-2"))
    assert await contacts.find_by_email("ann@example.com") == ann


async def test_contacts_come_by_page_without_others_and_disabled_ones(
    repository: Repository, make_contact: MakeRecord
) -> None:
    contacts = await repository("contacts")
    for email in ("c@x.example", "a@x.example", "b@x.example"):
        await contacts.add(make_contact(email))
    await contacts.add(make_contact("d@x.example", disabled=True))
    await contacts.add(make_contact("e@x.example", account_id="acc-2"))
    assert [one.email for one in await contacts.page("acc-1", None, 2)] == ["a@x.example", "b@x.example"]
    assert [one.email for one in await contacts.page("acc-1", "b@x.example", 2)] == ["c@x.example"]


async def test_an_operator_counts_while_not_disabled(repository: Repository, make_contact: MakeRecord) -> None:
    contacts = await repository("contacts")
    await contacts.add(make_contact("a@x.example", role="operator", disabled=True))
    assert not await contacts.has_operator()
    await contacts.add(make_contact("b@x.example", role="operator"))
    assert await contacts.has_operator()


async def test_a_profile_name_is_unique_in_its_account(repository: Repository, make_profile: MakeRecord) -> None:
    profiles, profile = await repository("profiles"), make_profile("Head office")
    await profiles.add(profile)
    await profiles.add(make_profile("Head office", id="prof-2", account_id="acc-2"))
    with pytest.raises(Taken):
        await profiles.add(make_profile("head  OFFICE", id="prof-3"))
    other = make_profile("Branch", id="prof-4")
    await profiles.add(other)
    with pytest.raises(Taken):
        await profiles.replace(other.changed(name="Head office", name_key="head office"))


async def test_a_profile_is_found_in_its_account_only(repository: Repository, make_profile: MakeRecord) -> None:
    profiles, profile = await repository("profiles"), make_profile()
    await profiles.add(profile)
    assert await profiles.find("acc-1", profile.id) == profile
    assert await profiles.find("acc-2", profile.id) is None
    assert await profiles.page("acc-2", None, 10) == []


async def test_a_deleted_profile_is_gone_and_its_name_is_free(
    repository: Repository, make_profile: MakeRecord, clock: FixedClock
) -> None:
    profiles, profile = await repository("profiles"), make_profile("Head office")
    await profiles.add(profile)
    gone = profile.tombstone()
    assert await profiles.replace(gone)
    assert await profiles.find("acc-1", profile.id) is None
    assert await profiles.page("acc-1", None, 10) == []
    await profiles.add(make_profile("Head office", id="prof-2"))
    assert await profiles.sweep() == 1


@pytest.mark.integration
async def test_a_tombstone_stays_until_its_events_are_out(
    database: Database, make_relay: Any, make_profile: MakeRecord, clock: FixedClock
) -> None:
    collection = database.collection("profiles")
    profiles, profile = MongoProfileRepository(collection, make_relay(collection)), make_profile()
    await profiles.prepare()
    await profiles.add(profile, profile_saved(profile, clock.now()))
    gone = profile.tombstone()
    assert await profiles.replace(gone, profile_deleted(gone, clock.now()))
    [document] = await collection.find({})
    assert [event["headers"]["ce_type"] for event in document["outbox"]] == [
        "ProductProfileSaved",
        "ProductProfileDeleted",
    ]
    assert document["name"] == ""
    assert await profiles.sweep() == 0
    await collection.update_one({"_id": profile.id}, {"$set": {"outbox": []}})
    assert await profiles.sweep() == 1


async def test_codes_are_registered_once_and_come_by_page(repository: Repository) -> None:
    codes = await repository("codes")
    for product, code in (("officescan", "B"), ("officescan", "A"), ("deep-security", "C")):
        await codes.add(ActivationCode(id=f"code-{code}", account_id="acc-1", product=product, code=code))
    with pytest.raises(Taken):
        await codes.add(ActivationCode(id="code-D", account_id="acc-1", product="officescan", code="A"))
    assert [one.code for one in await codes.page("acc-1", None, None, 2)] == ["C", "A"]
    assert [one.code for one in await codes.page("acc-1", None, ("officescan", "A"), 2)] == ["B"]
    assert [one.code for one in await codes.page("acc-1", "officescan", None, 5)] == ["A", "B"]
    assert await codes.any_for("acc-1", "officescan")
    assert not await codes.any_for("acc-2", "officescan")
    assert (await codes.find("acc-1", "officescan", "A")).id == "code-A"
    assert await codes.find("acc-2", "officescan", "A") is None


async def test_sessions_end_one_by_one_and_all_of_a_contact(repository: Repository, clock: FixedClock) -> None:
    sessions = await repository("sessions")
    kept = [Session(f"s{number}", "c1", "acc-1", clock.now() + timedelta(days=9999)) for number in range(3)]
    for session in kept:
        await sessions.add(session)
    assert await sessions.find("s0") == kept[0]
    await sessions.end("s0")
    assert await sessions.find("s0") is None
    await sessions.end_all_of("c1")
    assert await sessions.find("s2") is None


async def test_attempts_are_counted_over_the_count_before_only(repository: Repository, clock: FixedClock) -> None:
    attempts, now = await repository("attempts"), clock.now()
    first = Attempts("a", 1, now, now + timedelta(days=9999))
    assert await attempts.save(first)
    assert not await attempts.save(first)
    second = replace(first, count=2)
    assert await attempts.save(second)
    assert not await attempts.save(second)
    assert await attempts.find("a") == second
    await attempts.forget("a")
    assert await attempts.find("a") is None


async def test_a_generation_of_keys_is_added_once(repository: Repository, clock: FixedClock) -> None:
    keys = await repository("keys")
    second, first = StoredKey(2, {"x": "2"}, clock.now()), StoredKey(1, {"x": "1"}, clock.now())
    assert await keys.add(second)
    assert await keys.add(first)
    assert not await keys.add(StoredKey(1, {"x": "3"}, clock.now()))
    assert list(await keys.all()) == [first, second]
    await keys.drop(1)
    assert list(await keys.all()) == [second]


async def test_the_first_claim_of_a_key_counts(repository: Repository) -> None:
    claims = await repository("claims")
    first = Claim("acc-1", "k", "digest", "s1")
    assert await claims.claim(first) == first
    assert await claims.claim(Claim("acc-1", "k", "other", "s2")) == first
    other_account = Claim("acc-2", "k", "other", "s3")
    assert await claims.claim(other_account) == other_account
    await claims.answered(first, {"id": "s1"})
    await claims.answered(first, {"id": "later"})
    await claims.release(first)
    assert (await claims.claim(first)).answer == {"id": "s1"}


async def test_a_released_claim_frees_its_key(repository: Repository) -> None:
    claims = await repository("claims")
    first, second = Claim("acc-1", "k", "digest", "s1"), Claim("acc-1", "k", "other", "s2")
    await claims.claim(first)
    await claims.release(first)
    assert await claims.claim(second) == second
