"""How the database finds what lists show: by an index each time, and in the list's order, so that nothing is sorted."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection

from portal.listing import ListQuery, words_of
from portal.mongo_pages import MongoPageRepository, asked_for

pytestmark = pytest.mark.integration

QUERIES = [
    ListQuery(),
    ListQuery(sort="submitted_at"),
    ListQuery(sort="-severity"),
    ListQuery(after=(1_767_600_000_000, "SR01-000000042-4")),
    ListQuery(sort="-severity", after=(2, "SR01-000000042-4")),
    ListQuery(status="open"),
    ListQuery(category="spam"),
    ListQuery(verdict="malicious"),
    ListQuery(status="open", category="spam"),
    ListQuery(status="open", category="spam", verdict="clean", after=(1_767_600_000_000, "SR01-000000042-4")),
    ListQuery(words=words_of("invoice")),
    ListQuery(words=words_of("SR01-000000042-4")),
    ListQuery(words=words_of("x")),
    ListQuery(status="open", words=words_of("slow server")),
]


def stages(plan: Any) -> Iterator[str]:
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan["stage"]
        for inner in plan.values():
            yield from stages(inner)
    elif isinstance(plan, list):
        for inner in plan:
            yield from stages(inner)


@pytest.fixture
def collection(
    mongo_url: str, mongo_database: str, mongo_pages: MongoPageRepository
) -> Iterator[Collection[dict[str, Any]]]:
    assert mongo_pages is not None, "it has made the indexes"
    with MongoClient[dict[str, Any]](mongo_url) as client:
        yield client[mongo_database]["case_pages"]


@pytest.mark.parametrize("account_id", ["a1", None])
def test_no_list_scans_the_collection_or_sorts(collection: Collection[dict[str, Any]], account_id: str | None) -> None:
    for query in QUERIES:
        wanted, order = asked_for(query, account_id)
        found = collection.find(wanted).sort(order).limit(51).explain()
        used = set(stages(found["queryPlanner"]["winningPlan"]))
        assert "IXSCAN" in used, query
        assert not used & {"COLLSCAN", "SORT"}, query


def test_counts_come_from_an_index_alone(collection: Collection[dict[str, Any]]) -> None:
    for name in ("status", "verdict"):
        counting = {
            "count": collection.name,
            "query": {"listed.account_id": "a1", f"listed.{name}": "open"},
            "limit": 9,
        }
        plan = collection.database.command("explain", counting)
        used = set(stages(plan["queryPlanner"]["winningPlan"]))
        assert not used & {"COLLSCAN"}, name


def test_no_query_holds_an_operator_that_somebody_typed() -> None:
    hostile = '{"$where": "1"} $gt .* [^a]'
    wanted, _ = asked_for(ListQuery(category='{"$ne": 1}', words=words_of(hostile)), "a1")
    assert wanted["$and"][0]["listed.category"] == '{"$ne": 1}'
    assert wanted["$and"][0]["listed.account_id"] == "a1"
    assert {one["listed.words"]["$regex"] for one in wanted["$and"][1:]} == {"^where", "^1", "^gt", "^a"}
