"""Every event that was ever released is still read."""

from portal_fakes import InMemoryPageRepository, Make, Parked

from caseway_kit.testing.examples import examples
from portal.view import timeline_of

TOPICS = ("cases", "profiles", "analyses", "ratings", "routes", "notifications")


async def test_every_example_is_consumed_and_none_is_parked(
    kafka: Make, parked: Parked, memory_pages: InMemoryPageRepository
) -> None:
    for topic in TOPICS:
        await kafka(topic, *(raw for _, raw in (example.values for example in examples(topic))))
    assert parked.messages == []
    shown = [page for page in memory_pages.pages.values() if page.case is not None]
    assert shown
    for page in shown:
        assert page.waiting == ()
        assert all(one.says.endswith(".") for one in timeline_of(page, {}))
