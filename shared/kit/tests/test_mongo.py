"""One suite on both drivers."""

import gc
from collections.abc import AsyncIterator, Iterator
from typing import Literal

import pytest

from caseway_kit.errors import OutageError
from caseway_kit.mongo import Collection, DuplicateKey, Index, InsertOne, UpdateOne, connect

# PyMongo's own async client leaves a socket unclosed when it is closed while its monitor connects.
pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]


@pytest.fixture(autouse=True)
def _what_the_driver_left_is_collected_here() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture(params=["motor", "pymongo"])
async def things(request: pytest.FixtureRequest, mongo_url: str, mongo_database: str) -> AsyncIterator[Collection]:
    mongo = connect(mongo_url, app_name="tests", driver=request.param)
    collection = mongo.database(mongo_database).collection("things")
    await collection.ensure_indexes([Index([("name", 1)], unique=True)])
    yield collection
    await mongo.close()


async def test_what_is_inserted_is_found_in_order(things: Collection) -> None:
    for number in (2, 1, 3):
        await things.insert_one({"_id": number, "name": f"n{number}"})
    assert await things.find_one({"_id": 2}) == {"_id": 2, "name": "n2"}
    assert await things.find_one({"_id": 9}) is None
    assert [one["_id"] for one in await things.find({}, sort=[("_id", 1)], limit=2)] == [1, 2]
    assert [one["_id"] async for one in things.iterate({}, sort=[("_id", -1)])] == [3, 2, 1]
    assert await things.count({}) == 3
    assert await things.aggregate([{"$group": {"_id": None, "sum": {"$sum": "$_id"}}}]) == [{"_id": None, "sum": 6}]


async def test_a_unique_index_refuses_by_name(things: Collection) -> None:
    await things.insert_one({"_id": 1, "name": "a"})
    with pytest.raises(DuplicateKey) as refused:
        await things.insert_one({"_id": 2, "name": "a"})
    assert (refused.value.index, refused.value.value) == ("name", {"name": "a"})


async def test_insert_many_tells_by_position_what_was_refused_and_keeps_the_rest(things: Collection) -> None:
    await things.insert_one({"_id": 1, "name": "a"})
    refused = await things.insert_many([{"_id": 2, "name": "b"}, {"_id": 3, "name": "a"}, {"_id": 4, "name": "c"}])
    assert list(refused) == [1]
    assert await things.count({}) == 3


async def test_updates_tell_what_they_matched(things: Collection) -> None:
    await things.insert_one({"_id": 1, "name": "a"})
    assert (await things.update_one({"_id": 1}, {"$set": {"x": 1}})).modified == 1
    assert (await things.update_one({"_id": 2}, {"$set": {"x": 1}})).matched == 0
    assert (await things.update_one({"_id": 3}, {"$set": {"name": "c"}}, upsert=True)).upserted_id == 3
    assert (await things.update_many({}, {"$set": {"y": 1}})).matched == 2
    assert (await things.replace_one({"_id": 1}, {"name": "z"})).matched == 1
    assert await things.find_one_and_update({"_id": 1}, {"$inc": {"n": 2}}) == {"_id": 1, "name": "z", "n": 2}
    assert await things.find_one_and_update({"_id": 8}, {"$inc": {"n": 2}}) is None
    assert await things.delete_one({"_id": 1}) == 1
    assert await things.delete_many({}) == 1


async def test_a_bulk_write_does_all_and_tells_what_was_refused(things: Collection) -> None:
    refused = await things.bulk(
        [
            InsertOne({"_id": 1, "name": "a"}),
            InsertOne({"_id": 2, "name": "a"}),
            UpdateOne({"_id": 1}, {"$set": {"x": 1}}),
        ]
    )
    assert list(refused) == [1]
    assert await things.find_one({}) == {"_id": 1, "name": "a", "x": 1}


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_a_server_that_does_not_answer_is_an_outage(driver: Literal["motor", "pymongo"]) -> None:
    mongo = connect("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100", app_name="tests", driver=driver)
    with pytest.raises(OutageError, match="MongoDB"):
        await mongo.database("x").ping()
    await mongo.close()
