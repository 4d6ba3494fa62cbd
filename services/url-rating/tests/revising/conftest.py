from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from url_rating_fakes import (
    InMemoryChangeLog,
    InMemoryListRepository,
    InMemoryLotRepository,
    InMemoryOverrideRepository,
    InMemoryReclassificationRepository,
    InMemoryTold,
)

from caseway_catalog import Catalog
from caseway_kit.objects import Objects
from caseway_kit.testing.clock import FixedClock
from url_rating.heuristics import Heuristics, SuspicionData
from url_rating.heuristics import bundled as suspicions
from url_rating.imports import ListImport
from url_rating.lookup import Lookup
from url_rating.overrides import AllOverrides
from url_rating.revising import Revising
from url_rating.service import UrlRating
from url_rating.verdicts import Verdicts


@pytest.fixture
def changes() -> InMemoryChangeLog:
    return InMemoryChangeLog()


@pytest.fixture
def replica(
    memory_lots: InMemoryLotRepository,
    changes: InMemoryChangeLog,
    memory_reclassifications: InMemoryReclassificationRepository,
    memory_overrides: InMemoryOverrideRepository,
    objects: Objects,
    clock: FixedClock,
    memory_told: InMemoryTold,
    catalog: Catalog,
) -> Callable[..., Revising]:
    """A replica over the same database that sees these lists, with our own rules or those of another release."""

    def make(lists: InMemoryListRepository, rules: SuspicionData) -> Revising:
        overrides = AllOverrides(overrides=memory_overrides, decided=memory_reclassifications, clock=clock)
        return Revising(
            lots=memory_lots,
            changes=changes,
            told=memory_told,
            lookup=Lookup(lists=lists, overrides=overrides, verdicts=Verdicts(catalog, Heuristics(rules))),
            requests=memory_reclassifications,
            objects=objects,
            clock=clock,
        )

    return make


@pytest.fixture
async def revising(
    replica: Callable[..., Revising], memory_lists: InMemoryListRepository, rating: UrlRating
) -> Revising:
    assert rating is not None, "it has planted a list"
    return replica(memory_lists, suspicions())


@pytest.fixture
def newer(replica: Callable[..., Revising], memory_lists: InMemoryListRepository) -> Revising:
    """A replica of the next release, which suspects bare addresses more."""
    rules = suspicions()
    stricter = {"version": rules.version + 1, "points": rules.points | {"address-host": rules.enough}}
    return replica(memory_lists, rules.model_copy(update=stricter))


@pytest.fixture
def import_list(imports: ListImport) -> Callable[[str, str], Awaitable[None]]:
    async def run(version: str, text: str) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield text.encode()

        async for _ in imports.run("own", version, "ut1", chunks()):
            pass

    return run
