import base64
import json

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from caseway_kit.paging import DEFAULT_LIMIT, Cursor, Limit, Page, from_cursor, page_of, to_cursor
from caseway_kit.problems import Problem, install_problems


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_cursor_comes_back_as_it_went(text: str, number: int) -> None:
    assert from_cursor(to_cursor(text, number), str, int) == (text, number)


def test_the_first_page_has_no_cursor() -> None:
    assert from_cursor(None, str) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "%%%", "é", to_cursor("a") + "=", to_cursor("a") + "!", encoded({"$gt": ""}), encoded("a"),
        encoded([1]), encoded(["a", "b"]), encoded([]), encoded([None]), encoded([["a"]]), encoded(["\ud800"]),
        base64.urlsafe_b64encode(b'[ "a"]').decode().rstrip("="), "W" * 513, encoded([True]),
    ],
)  # fmt: skip
def test_a_cursor_that_we_did_not_give_is_refused(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        from_cursor(cursor, str)

    assert refused.value.status_code == 400
    assert [error.code for error in refused.value.errors] == ["cursor"]


def test_a_number_that_no_database_holds_is_refused() -> None:
    with pytest.raises(Problem):
        from_cursor(encoded([2**63]), int)


def test_a_deep_cursor_is_refused() -> None:
    with pytest.raises(Problem):
        from_cursor(base64.urlsafe_b64encode(b"[" * 300).decode(), str)


async def test_pages_follow_one_another_to_the_end() -> None:
    api = FastAPI()
    install_problems(api)

    @api.get("/numbers")
    async def numbers(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[int]:
        [after] = from_cursor(cursor, int) or (0,)
        return page_of([number for number in range(1, 8) if number > after][: limit + 1], limit, lambda item: (item,))

    seen, cursor = [], None
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://t") as client:
        for _ in range(3):
            asked = {"limit": 3} | ({"cursor": cursor} if cursor else {})
            page = (await client.get("/numbers", params=asked)).json()
            seen.append(page["items"])
            cursor = page["next_cursor"]
        limits = [(await client.get(f"/numbers?limit={limit}")).status_code for limit in (0, 201, 200)]
    assert (seen, cursor) == ([[1, 2, 3], [4, 5, 6], [7]], None)
    assert limits == [422, 422, 200]
