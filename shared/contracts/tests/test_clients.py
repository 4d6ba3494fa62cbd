from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import httpx
import pytest

from caseway_contracts.clients import IntakeClient, ProfilesClient, Refused, ServiceAway

Answer = Callable[[httpx.Request], httpx.Response]
SR = "SR01-000000042-4"


class Service:
    """Stands for the service asked: remembers the requests and answers all of them alike."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.answer: Answer = lambda _request: httpx.Response(200, json={})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answer(request)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url="http://service.test", transport=httpx.MockTransport(service)) as client:
        yield client


@pytest.fixture
def profiles(http: httpx.AsyncClient) -> ProfilesClient:
    return ProfilesClient(http)


@pytest.fixture
def intake(http: httpx.AsyncClient) -> IntakeClient:
    return IntakeClient(http)


async def test_a_profile_is_asked_for_with_the_callers_token(profiles: ProfilesClient, service: Service) -> None:
    service.answer = lambda _request: httpx.Response(200, json={"id": "p1", "revision": 3})

    assert await profiles.profile("t0ken", "p1") == {"id": "p1", "revision": 3}
    [request] = service.asked
    assert request.url.path == "/api/v1/profiles/p1"
    assert request.headers["Authorization"] == "Bearer t0ken"


async def test_what_is_not_there_is_none(profiles: ProfilesClient, intake: IntakeClient, service: Service) -> None:
    service.answer = lambda _request: httpx.Response(404)

    assert await profiles.profile("t", "p1") is None
    assert await intake.case("t", SR) is None
    assert await intake.changed("t", datetime(2026, 3, 2, tzinfo=UTC)) == []


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_service_that_cannot_answer_is_away(profiles: ProfilesClient, service: Service, status: int) -> None:
    service.answer = lambda _request: httpx.Response(status)

    with pytest.raises(ServiceAway, match=f"profiles answered {status}"):
        await profiles.profile("t", "p1")


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
async def test_a_service_that_does_not_answer_is_away(
    intake: IntakeClient, service: Service, error: type[httpx.TransportError]
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("no", request=request)

    service.answer = fail

    with pytest.raises(ServiceAway, match="intake did not answer"):
        await intake.case("t", SR)


async def test_a_refused_token_is_the_callers_matter(profiles: ProfilesClient, service: Service) -> None:
    service.answer = lambda _request: httpx.Response(401)

    with pytest.raises(httpx.HTTPStatusError, match="401"):
        await profiles.profile("t", "p1")


@pytest.mark.parametrize("hostile", ["../../internal", "a/b", "a?x=1", "a#b", "a%2Fb"])
async def test_an_id_stays_one_segment_of_the_path(profiles: ProfilesClient, service: Service, hostile: str) -> None:
    await profiles.profile("t", hostile)

    [request] = service.asked
    assert request.url.raw_path.startswith(b"/api/v1/profiles/")
    assert request.url.raw_path.count(b"/") == 4
    assert request.url.query == b""


@pytest.mark.parametrize("dots", ["", ".", ".."])
async def test_an_id_of_dots_is_not_asked_for(intake: IntakeClient, service: Service, dots: str) -> None:
    assert await intake.case("t", dots) is None
    assert service.asked == []


async def test_intake_is_asked_for_what_is_newer_than_a_revision(intake: IntakeClient, service: Service) -> None:
    await intake.case("t", SR, since_revision=2)

    assert str(service.asked[0].url) == f"http://service.test/internal/cases/{SR}?since_revision=2"


async def test_intake_is_asked_for_what_changed(intake: IntakeClient, service: Service) -> None:
    service.answer = lambda _request: httpx.Response(200, json={"items": [{"sr_number": SR}], "next_cursor": None})

    assert await intake.changed("t", datetime(2026, 3, 2, 9, 15, tzinfo=UTC)) == [{"sr_number": SR}]
    assert service.asked[0].url.params["since"] == "2026-03-02T09:15:00+00:00"


async def test_lists_come_bare_or_in_a_page(profiles: ProfilesClient, service: Service) -> None:
    service.answer = lambda _request: httpx.Response(200, json=[{"id": "c1"}])

    assert await profiles.contacts("t") == [{"id": "c1"}]
    assert await profiles.case_recipients("t") == [{"id": "c1"}]


async def test_keys_are_public_and_must_be_there(profiles: ProfilesClient, service: Service) -> None:
    service.answer = lambda _request: httpx.Response(200, json={"keys": []})
    assert await profiles.jwks() == {"keys": []}
    assert "Authorization" not in service.asked[0].headers

    service.answer = lambda _request: httpx.Response(404)
    with pytest.raises(ServiceAway):
        await profiles.jwks()


async def test_a_list_is_read_to_its_last_page(profiles: ProfilesClient, service: Service) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        cursor = request.url.params.get("cursor", "")
        more = {"": "b", "b": "c"}.get(cursor)
        return httpx.Response(200, json={"items": [{"id": cursor or "a"}], "next_cursor": more})

    service.answer = page

    assert [one["id"] for one in await profiles.profiles("t")] == ["a", "b", "c"]


async def test_what_is_made_carries_its_key(profiles: ProfilesClient, service: Service) -> None:
    service.answer = lambda _request: httpx.Response(201, json={"id": "p1"})

    assert await profiles.add_profile("t", {"name": "n"}, key="k1") == {"id": "p1"}
    assert service.asked[0].headers["Idempotency-Key"] == "k1"


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 429])
async def test_a_refusal_comes_with_its_problem(profiles: ProfilesClient, service: Service, status: int) -> None:
    problem = {"detail": "no", "errors": [{"field": "/name"}]}
    service.answer = lambda _request: httpx.Response(status, json=problem, headers={"Retry-After": "7"})

    with pytest.raises(Refused) as refused:
        await profiles.change_profile("t", "p1", {})

    assert (refused.value.status, refused.value.problem, refused.value.retry_after) == (status, problem, "7")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
async def test_a_refusal_that_is_no_problem_is_one_without_words(
    profiles: ProfilesClient, service: Service, body: bytes
) -> None:
    service.answer = lambda _request: httpx.Response(403, content=body)

    with pytest.raises(Refused) as refused:
        await profiles.delete_profile("t", "p1")

    assert refused.value.problem == {}


async def test_a_persons_address_goes_along_with_the_sign_in(profiles: ProfilesClient, service: Service) -> None:
    await profiles.sign_in("ann@example.org", "secret", address="192.0.2.7")

    assert service.asked[0].headers["X-Forwarded-For"] == "192.0.2.7"
