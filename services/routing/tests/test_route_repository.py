from routing_fakes import Make

from caseway_catalog import load
from caseway_kit.testing.clock import FixedClock
from routing.route import Route
from routing.service import RouteRepository, Routing, Stored

SR = "SR01-000000042-4"


async def test_a_route_comes_back_as_it_was_saved(
    routes: RouteRepository, make_submitted: Make, make_analyzed: Make, clock: FixedClock
) -> None:
    routing = Routing(routes, catalog=load(), clock=clock)
    event = make_submitted({"f1": "file"})
    stated = await routing.apply(event)
    await routing.apply(make_analyzed("f1", "malicious", urls=2))
    assert tuple(await routing.apply(event)) == tuple(stated)
    stored = await routes.find(SR)
    assert stored is not None
    assert stored.version == 2


async def test_a_route_that_is_not_there_is_none(routes: RouteRepository) -> None:
    assert await routes.find(SR) is None


async def test_the_second_writer_of_a_version_is_told(routes: RouteRepository) -> None:
    first, second = Stored(Route(sr_number=SR), 1), Stored(Route(sr_number=SR, closed=True), 1)
    assert await routes.save(first)
    assert not await routes.save(second)
    assert await routes.save(Stored(Route(sr_number=SR, closed=True), 2))
    assert not await routes.save(Stored(Route(sr_number=SR), 2))
