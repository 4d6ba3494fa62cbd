"""How fast the lists of the portal are as cases grow: its own read model, on a MongoDB of its own."""

import asyncio
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from caseway_contracts.sr_numbers import format_sr
from caseway_embedded.data_dir import DataDir
from caseway_embedded.parts.mongod import Mongod
from caseway_kit.mongo import connect
from portal.listing import ListQuery, prefixes_of, words_of
from portal.mongo_pages import INDEXES, MongoPageRepository, asked_for, to_document
from portal.page import CaseFacts, CasePage, Completed, Status

SMALL = 10_000
INSERTED_AT_ONCE = 1_000
KINDS = 2_000
START_SECONDS = 60
PAGE = 26
# One account has half of all cases, which is the worst that a list of one account can meet.
ACCOUNT = "account-0"
ACCOUNTS = 1_000
BEGUN = datetime(2024, 1, 1, tzinfo=UTC)
WORDS = (
    "invoice",
    "macro",
    "detected",
    "server",
    "offer",
    "update",
    "driver",
    "mail",
    "blocked",
    "slow",
    "clean",
    "login",
)
STATUSES = {"closed": 70, "resolved": 15, "answered": 8, "open": 4, "waiting_on_customer": 2, "delayed": 1}
CATEGORIES = {
    "collected-threat-sample-analysis": 40,
    "spam": 25,
    "file-false-positive": 15,
    "product-issues": 15,
    "url-reclassification": 4,
    "threat-inquiry": 1,
}
VERDICTS = {"unknown": 60, "malicious": 25, "clean": 10, "suspicious": 5}
SEVERITIES = {"low": 40, "medium": 40, "high": 15, "critical": 5}


async def measure(count: int, rounds: int) -> dict[str, Any]:
    """Raises RuntimeError where the database does not start or a plan scans the collection."""
    async with _mongod() as url:
        sizes = [await _size(url, f"pages_{size}", size, rounds) for size in sorted({min(SMALL, count), count})]
    slowest = {name: one["p95"] for name, one in sizes[-1]["ms"].items()}
    ratio = {name: round(slowest[name] / max(0.01, one["p95"]), 2) for name, one in sizes[0]["ms"].items()}
    return {"benchmark": "list", "ratio": ratio, "sizes": sizes}


async def _size(url: str, name: str, count: int, rounds: int) -> dict[str, Any]:
    # No limits of time here: an index over all of them takes longer than a service waits.
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url)
    started = time.monotonic()
    collection = client["portal"][name]
    async with client:
        for lot in _lots(count):
            await collection.insert_many(lot, ordered=False)
        seeded = time.monotonic()
        await collection.create_indexes([index.model() for index in INDEXES])
        indexed = time.monotonic()
        await _check_plans(collection)
    mongo = connect(url, app_name="bench")
    try:
        pages = MongoPageRepository(mongo.database("portal").collection(name))
        found = {asked: await _timed(pages, asked, count, rounds) for asked in QUERIES}
    finally:
        await mongo.close()
    return {
        "cases": count,
        "ms": found,
        "seed_s": round(seeded - started, 1),
        "index_s": round(indexed - seeded, 1),
    }


QUERIES = (
    "first_page",
    "later_page",
    "by_severity",
    "filtered",
    "two_filters",
    "search",
    "number",
    "counts",
    "analyst",
)


async def _timed(pages: MongoPageRepository, asked: str, count: int, rounds: int) -> dict[str, float]:
    chance = random.Random(7)  # noqa: S311 - no secret
    took = []
    for number in range(rounds + 3):
        started = time.monotonic()
        if asked == "counts":
            await asyncio.gather(*(pages.counted("status", one, ACCOUNT, 10_000) for one in STATUSES))
        else:
            account = None if asked == "analyst" else ACCOUNT
            await pages.listed(_query(asked, count, chance), account)
        if number >= 3:  # the first ones fill caches
            took.append((time.monotonic() - started) * 1_000)
    took.sort()
    return {"p50": round(statistics.median(took), 2), "p95": round(took[int(len(took) * 0.95)], 2)}


def _query(asked: str, count: int, chance: random.Random) -> ListQuery:
    number = chance.randrange(count)
    place = (_milliseconds(number), format_sr("01", number))
    return {
        "later_page": ListQuery(after=place, limit=PAGE),
        "by_severity": ListQuery(sort="-severity", limit=PAGE),
        "filtered": ListQuery(status=_one(STATUSES, chance), limit=PAGE),
        "two_filters": ListQuery(status=_one(STATUSES, chance), category=_one(CATEGORIES, chance), limit=PAGE),
        "search": ListQuery(words=words_of(chance.choice(WORDS)[: chance.randint(2, 8)]), limit=PAGE),
        "number": ListQuery(words=words_of(place[1]), limit=PAGE),
    }.get(asked, ListQuery(limit=PAGE))


async def _check_plans(collection: Any) -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    for asked in QUERIES:
        wanted, order = asked_for(_query(asked, 1, chance), ACCOUNT)
        plan = await collection.find(wanted).sort(order).limit(PAGE).explain()
        if "COLLSCAN" in str(plan["queryPlanner"]["winningPlan"]):
            raise RuntimeError(f"{asked} scans the collection")


def _lots(count: int) -> Iterator[Sequence[dict[str, Any]]]:
    chance = random.Random(count)  # noqa: S311 - no secret
    # A million pages made one by one would take longer than to store them: these differ in what lists look at.
    kinds = [to_document(_page(number, chance)) for number in range(KINDS)]
    for start in range(0, count, INSERTED_AT_ONCE):
        numbers = range(start, min(count, start + INSERTED_AT_ONCE))
        yield [_document(number, chance.choice(kinds), chance) for number in numbers]


def _document(number: int, kind: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    sr_number = format_sr("01", number)
    words = words_of(kind["page"]["subject"], sr_number)
    account = ACCOUNT if number % 2 else f"account-{chance.randrange(1, ACCOUNTS)}"
    places = {"account_id": account, "submitted_at": _milliseconds(number)}
    listed = {**kind["listed"], **places, "words": list(words), "prefixes": prefixes_of(words)}
    return {**kind, "_id": sr_number, "listed": listed}


def _page(number: int, chance: random.Random) -> CasePage:
    at = BEGUN + timedelta(minutes=number)
    facts = CaseFacts(
        account_id=ACCOUNT,
        region="01",
        issue_type="threat",
        category=_one(CATEGORIES, chance),
        severity=_one(SEVERITIES, chance),
        product="officescan",
        submitted_at=at,
    )
    completed = Completed(subject_id="1", revision=1, v=2, covers=(), worst_verdict=_one(VERDICTS, chance))
    return CasePage(
        sr_number=format_sr("01", number),
        version=1,
        epoch="bench",
        case=facts,
        changed_at=at,
        subject=" ".join(chance.sample(WORDS, 4)) + f" {number % 997}",
        applied=1,
        rounds=(1,),
        completed=(completed,),
        status=Status(subject_id="x", revision=1, v=2, status=_one(STATUSES, chance)),
    )


def _milliseconds(number: int) -> int:
    return round(BEGUN.timestamp() * 1_000) + number * 60_000


def _one(shares: dict[str, int], chance: random.Random) -> Any:
    return chance.choices(list(shares), list(shares.values()))[0]


@asynccontextmanager
async def _mongod() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="caseway-bench-") as folder:
        part = Mongod(DataDir(Path(folder)), ["portal"])
        await part.prepare()
        command = part.command()
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - our own database, before anything else runs
            command.argv, env=command.env, cwd=command.cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not await part.ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the database does not start")
                await asyncio.sleep(0.2)
            yield part.url("portal")
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 60)
