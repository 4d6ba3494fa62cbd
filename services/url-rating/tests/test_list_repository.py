import pytest

from url_rating.expressions import digest
from url_rating.lists import ListEntry, ListRepository, ListSuperseded, ListVersion, Match

EVIL, SHOP = digest("evil.example/"), digest("shop.example/")


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def lists(request: pytest.FixtureRequest) -> ListRepository:
    repository: ListRepository = request.getfixturevalue(f"{request.param}_lists")
    return repository


async def imported(lists: ListRepository, version: str, *entries: ListEntry, name: str = "ut1") -> ListVersion:
    loading = await lists.begin(name, version)
    await lists.add(loading, entries)
    await lists.activate(loading)
    return loading


async def test_version_that_loads_is_asked_by_nobody(lists: ListRepository) -> None:
    loading = await lists.begin("ut1", "1")
    await lists.add(loading, [ListEntry(EVIL, 49, (75,))])
    assert await lists.find([EVIL]) == []
    assert await lists.active() == ()


async def test_active_version_answers_with_its_name(lists: ListRepository) -> None:
    await imported(lists, "1", ListEntry(EVIL, 49, (75,)), ListEntry(SHOP, 90, (58,)))
    assert await lists.find([EVIL, digest("unknown.example/")]) == [Match(EVIL, 49, (75,), "ut1", "1")]
    assert [str(version) for version in await lists.active()] == ["ut1/1"]


async def test_entry_that_comes_twice_keeps_the_lower_score_and_all_categories(lists: ListRepository) -> None:
    loading = await lists.begin("ut1", "1")
    await lists.add(loading, [ListEntry(EVIL, 90, (58,)), ListEntry(SHOP, 90, (58,))])
    await lists.add(loading, [ListEntry(EVIL, 49, (75, 58))])
    await lists.activate(loading)
    assert await lists.find([EVIL]) == [Match(EVIL, 49, (58, 75), "ut1", "1")]


async def test_next_version_takes_the_place_of_the_one_before(lists: ListRepository) -> None:
    await imported(lists, "1", ListEntry(EVIL, 49, (75,)))
    await imported(lists, "2", ListEntry(SHOP, 90, (58,)))
    assert await lists.find([EVIL, SHOP]) == [Match(SHOP, 90, (58,), "ut1", "2")]


async def test_roll_back_asks_the_version_before_and_forth_again(lists: ListRepository) -> None:
    assert await lists.roll_back("ut1") is None
    await imported(lists, "1", ListEntry(EVIL, 49, (75,)))
    assert await lists.roll_back("ut1") is None
    await imported(lists, "2", ListEntry(SHOP, 90, (58,)))

    rolled_back = await lists.roll_back("ut1")
    assert rolled_back is not None
    assert rolled_back.version == "1"
    assert await lists.find([EVIL, SHOP]) == [Match(EVIL, 49, (75,), "ut1", "1")]
    await lists.roll_back("ut1")
    assert await lists.find([EVIL, SHOP]) == [Match(SHOP, 90, (58,), "ut1", "2")]


async def test_lists_of_other_names_are_asked_side_by_side(lists: ListRepository) -> None:
    await imported(lists, "1", ListEntry(EVIL, 49, (75,)))
    await imported(lists, "7", ListEntry(EVIL, 20, (91,)), name="own")
    assert {match.source for match in await lists.find([EVIL])} == {"own", "ut1"}


async def test_only_the_last_import_of_a_list_takes_its_place(lists: ListRepository) -> None:
    first = await lists.begin("ut1", "1")
    await lists.add(first, [ListEntry(EVIL, 49, (75,))])
    second = await lists.begin("ut1", "2")
    with pytest.raises(ListSuperseded):
        await lists.activate(first)
    await lists.abandon(first)
    await lists.add(second, [ListEntry(SHOP, 90, (58,))])
    await lists.activate(second)
    assert await lists.find([EVIL, SHOP]) == [Match(SHOP, 90, (58,), "ut1", "2")]


async def test_abandoned_version_leaves_the_active_one_alone(lists: ListRepository) -> None:
    await imported(lists, "1", ListEntry(EVIL, 49, (75,)))
    loading = await lists.begin("ut1", "2")
    await lists.add(loading, [ListEntry(SHOP, 90, (58,))])
    await lists.abandon(loading)
    assert await lists.find([EVIL, SHOP]) == [Match(EVIL, 49, (75,), "ut1", "1")]


async def test_activated_version_knows_how_many_entries_it_has(lists: ListRepository) -> None:
    loading = await lists.begin("ut1", "1")
    await lists.add(loading, [ListEntry(EVIL, 49, (75,)), ListEntry(SHOP, 90, (58,)), ListEntry(EVIL, 49, (75,))])
    assert (await lists.activate(loading)).entries == 2
    assert [version.entries for version in await lists.active()] == [2]


async def test_look_up_of_very_many_expressions_finds_them_all(lists: ListRepository) -> None:
    entries = [ListEntry(digest(f"host{number}.example/"), 49, (75,)) for number in range(6_000)]
    await imported(lists, "1", *entries)
    assert len(await lists.find([entry.digest for entry in entries])) == 6_000
