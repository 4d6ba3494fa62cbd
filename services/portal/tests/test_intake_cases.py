from collections.abc import Callable

import httpx
import pytest
from portal_fakes import OPENED, SR, make_caller

from caseway_contracts.clients import IntakeClient
from caseway_kit.errors import OutageError
from portal.intake_cases import IntakeCases

ME = make_caller()
CASE = {
    "sr_number": SR,
    "account_id": "a1",
    "revision": 2,
    "closed": False,
    "status": "received",
    "region": "01",
    "issue_type": "threat",
    "category": None,
    "subject": "S",
    "description": "D",
    "severity": "low",
    "product": "x",
    "submitted_at": OPENED.isoformat(),
    "added_later": 1,
}


def intake(answer: Callable[[httpx.Request], httpx.Response]) -> IntakeCases:
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://intake")
    return IntakeCases(IntakeClient(http))


async def test_a_newer_case_is_asked_for_in_the_callers_name() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=CASE)

    found = await intake(answer).case(ME, SR, 1)
    assert found is not None
    assert (found.revision, found.subject) == (2, "S")
    assert asked[0].headers["authorization"] == f"Bearer {ME.token}"
    assert str(asked[0].url) == f"http://intake/internal/cases/{SR}?since_revision=1"


async def test_changed_cases_come_as_a_page_of_items() -> None:
    found = await intake(lambda _: httpx.Response(200, json={"items": [CASE, {"other": "shape"}]})).changed(ME, OPENED)
    assert [one.sr_number for one in found] == [SR]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_no_answer_about_a_case_is_not_the_answer_that_there_is_none(status: int) -> None:
    away = intake(lambda _: httpx.Response(status))
    with pytest.raises(OutageError):
        await away.case(ME, SR, 1)
    assert await away.changed(ME, OPENED) == []


@pytest.mark.parametrize("status", [204, 401, 403, 404])
async def test_whatever_else_intake_answers_means_that_nothing_is_newer(status: int) -> None:
    away = intake(lambda _: httpx.Response(status))
    assert await away.case(ME, SR, 1) is None
    assert await away.changed(ME, OPENED) == []


async def test_only_a_case_that_is_nowhere_else_is_waited_for_longer() -> None:
    asked: list[str] = []

    def client(name: str) -> IntakeClient:
        def answer(_: httpx.Request) -> httpx.Response:
            asked.append(name)
            return httpx.Response(204)

        return IntakeClient(httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://intake"))

    cases = IntakeCases(client("quick"), client("patient"))
    await cases.case(ME, SR, 1)
    await cases.case(ME, SR, None)
    await cases.changed(ME, OPENED)
    assert asked == ["quick", "patient", "quick"]


async def test_intake_being_away_means_that_no_list_is_newer() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(OutageError):
        await intake(answer).case(ME, SR, None)
    assert await intake(answer).changed(ME, OPENED) == []
