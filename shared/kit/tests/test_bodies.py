import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from caseway_kit.bodies import LARGEST_BODY, StrictRoute, json_body
from caseway_kit.problems import install_problems
from caseway_kit.testing.corpora import corpora

JSON = {"content-type": "application/json"}


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    words: str = ""
    count: int = 0


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    api = FastAPI()
    install_problems(api)
    router = APIRouter(route_class=StrictRoute)

    @router.post("/any")
    async def take_any(request: Request) -> Any:
        return {"parsed": await json_body(request)}

    @router.post("/wish")
    async def take_wish(wish: Wish) -> Wish:
        return wish

    api.include_router(router, prefix="/api")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://t/api") as client:
        yield client


def vectors() -> list[Path]:
    return sorted(corpora("json-nst").glob("*.json"))


async def test_the_published_json_vectors_never_cause_a_server_error(client: httpx.AsyncClient) -> None:
    answers = {}
    for vector in vectors():
        answer = await client.post("/any", content=vector.read_bytes(), headers=JSON)
        answers[vector.name] = answer.status_code

    wrong = {
        name: status
        for name, status in answers.items()
        if (name[0] == "n" and not 400 <= status < 500)
        # 422: it was parsed, and then refused as nothing we could keep as it came.
        or (name[0] == "y" and status not in ((422,) if "duplicated_key" in name or "null_escape" in name else (200,)))
        or status >= 500
    }
    assert len(answers) > 50
    assert not wrong


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"", 400, None),
        (b"\xef\xbb\xbf{}", 400, None),
        (b"NaN", 400, None),
        (b"[-Infinity]", 400, None),
        (b"[1e999]", 400, None),
        (b'{"words": "\xff"}', 400, None),
        (b"[" * 100_000, 400, None),
        (b"[" * 33 + b"]" * 33, 400, None),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, None),
        (b"[" + b"9" * 1_000_000 + b"]", 400, None),
        (b"[" + b"9" * 4_000 + b"]", 422, "/0"),
        (b'{"a": {"b": 1, "b": 1}}', 422, "/a/b"),
        (b'{"a": [0, "\\ud800"]}', 422, "/a/1"),
        (b'{"a": {"\\udfff": 1}}', 422, "/a"),
        (b'{"a/b~c": "\\u0000"}', 422, "/a~1b~0c"),
        (b'{"a": 9223372036854775808}', 422, "/a"),
    ],
)
async def test_a_hostile_body_is_the_callers_fault(
    client: httpx.AsyncClient, body: bytes, status: int, pointer: str | None
) -> None:
    for path in ("/any", "/wish"):
        if path == "/wish" and not body:
            continue
        answer = await client.post(path, content=body, headers=JSON)

        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert [error["field"] for error in answer.json()["errors"]] == ([pointer] if pointer else [])


async def test_a_good_body_arrives_as_it_was_sent(client: httpx.AsyncClient) -> None:
    words = "Grüße \u2028 \U0001f600 \\u"

    assert (await client.post("/wish", json={"words": words})).json()["words"] == words
    assert (await client.post("/any", content=b"[[[1.5, null]]]", headers=JSON)).json() == {"parsed": [[[1.5, None]]]}


@pytest.mark.parametrize("path", ["/any", "/wish"])
@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_beyond_the_limit_is_refused(client: httpx.AsyncClient, path: str, declared: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b'"'
        yield b"x" * LARGEST_BODY

    body = b'"' + b"x" * LARGEST_BODY if declared else parts()
    answer = await client.post(path, content=body, headers=JSON)

    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/any", "/wish"])
@pytest.mark.parametrize("kind", ["text/plain", "", "multipart/form-data", "application/jsonx"])
async def test_a_body_that_is_not_declared_as_json_is_refused(client: httpx.AsyncClient, path: str, kind: str) -> None:
    answer = await client.post(path, content=b"{}", headers={"content-type": kind})

    assert answer.status_code == 415


async def test_json_with_a_charset_or_suffix_is_json(client: httpx.AsyncClient) -> None:
    for kind in ("application/json; charset=utf-8", "application/merge-patch+json"):
        assert (await client.post("/wish", content=b"{}", headers={"content-type": kind})).status_code == 200


async def test_a_megabyte_of_small_values_is_checked_fast(client: httpx.AsyncClient) -> None:
    body = json.dumps([0] * 300_000).encode()
    started = time.process_time()

    answer = await client.post("/any", content=body, headers=JSON)

    assert answer.status_code == 200
    assert time.process_time() - started < 12
