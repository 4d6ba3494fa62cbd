import http
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Literal

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, ConfigDict, Discriminator, Field, field_validator
from pydantic_core import PydanticCustomError
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from caseway_kit import logs
from caseway_kit.bodies import StrictRoute
from caseway_kit.errors import OutageError
from caseway_kit.problems import FieldError, Problem, install_problems


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class File(Part):
    kind: Literal["file"]
    name: Annotated[str, Field(min_length=1, max_length=5)]


class Url(Part):
    kind: Literal["url"]
    url: str

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        if "." not in url:
            raise PydanticCustomError("url.invalid", "This is not a URL.")
        return url


class Form(Part):
    severity: Literal["low", "high"]
    impact: int | list[str] = 0
    parts: list[Annotated[File | Url, Discriminator("kind")]] = []


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    logs.configure("intake", stream=stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:], root.level = before


@pytest.fixture
async def client(log: io.StringIO) -> AsyncIterator[httpx.AsyncClient]:
    api = FastAPI()
    install_problems(api)
    router = APIRouter(route_class=StrictRoute)
    raised: dict[str, BaseException] = {
        "bug": RuntimeError("db-7.internal exploded"),
        "outage": OutageError("MongoDB", "db-7.internal"),
        "group": ExceptionGroup("several", [OutageError("Kafka")]),
        "gone": ClientDisconnect(),
        "rule": Problem.rule(FieldError("/cc/0", "address.invalid", "No \ud800 address.", "Write a@b.example.")),
        "sign-in": Problem.unauthorized(),
        "slow-down": Problem.too_many(30),
        "full": Problem.out_of_space(),
    }

    @router.get("/raise/{what}")
    async def fail(what: str) -> None:
        raise raised[what]

    @router.get("/half")
    async def half() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError

        return StreamingResponse(parts())

    @router.post("/form")
    async def submit(form: Form, limit: int = 1) -> Form:
        return form

    api.include_router(router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://t") as client:
        yield client


async def test_a_bug_is_answered_with_an_id_that_the_log_explains(client: httpx.AsyncClient, log: io.StringIO) -> None:
    answer = await client.get("/raise/bug")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "exploded" not in answer.text
    assert "internal" not in answer.text
    [line] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["message"], line["id"]) == ("unexpected error", answer.json()["id"])
    assert line["exception"][0]["says"] == "db-7.internal exploded"


@pytest.mark.parametrize("what", ["outage", "group"])
async def test_an_outage_is_answered_with_when_to_try_again(client: httpx.AsyncClient, what: str) -> None:
    answer = await client.get(f"/raise/{what}")

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "internal" not in answer.text


async def test_an_answer_that_breaks_off_is_left_broken(client: httpx.AsyncClient) -> None:
    with pytest.raises(RuntimeError):
        await client.get("/half")


async def test_a_refusal_says_what_is_wrong_where_and_what_to_do(client: httpx.AsyncClient) -> None:
    answer = await client.get("/raise/rule")

    assert answer.status_code == 422
    assert answer.json() == {
        "type": "about:blank",
        "title": http.HTTPStatus(422).phrase,
        "status": 422,
        "detail": "Some fields need a correction.",
        "errors": [
            {"field": "/cc/0", "code": "address.invalid", "message": "No ? address.", "help": "Write a@b.example."}
        ],
    }


@pytest.mark.parametrize(
    ("what", "status", "header", "value"),
    [("sign-in", 401, "www-authenticate", "Bearer"), ("slow-down", 429, "retry-after", "30"), ("full", 507, "", None)],
)
async def test_refusals_carry_the_headers_of_their_status(
    client: httpx.AsyncClient, what: str, status: int, header: str, value: str | None
) -> None:
    answer = await client.get(f"/raise/{what}")

    assert (answer.status_code, answer.headers.get(header)) == (status, value)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/form", 405)])
async def test_the_frameworks_own_refusals_are_problems_too(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "/severity", "required"),
        ({"severity": "urgent"}, "/severity", "choice.invalid"),
        ({"severity": "low", "a/b": 1}, "/a~1b", "field.unknown"),
        ({"severity": "low", "parts": [{"kind": "file", "name": "longer"}]}, "/parts/0/name", "text.too_long"),
        ({"severity": "low", "parts": [{"kind": "file", "name": ""}]}, "/parts/0/name", "required"),
        ({"severity": "low", "parts": [{"kind": "file"}]}, "/parts/0/name", "required"),
        ({"severity": "low", "parts": [{"kind": "mail"}]}, "/parts/0", "choice.invalid"),
        ({"severity": "low", "parts": [{"kind": "url", "url": "x"}]}, "/parts/0/url", "url.invalid"),
        ({"severity": "low", "parts": 7}, "/parts", "value.invalid"),
        ({"severity": "low", "impact": "words"}, "/impact", "value.invalid"),
        ([], "", "value.invalid"),
    ],
)
async def test_a_field_that_fails_its_model_is_pointed_at(
    client: httpx.AsyncClient, body: object, field: str, code: str
) -> None:
    answer = await client.post("/form", json=body)

    assert answer.status_code == 422
    assert {(error["field"], error["code"]) for error in answer.json()["errors"]} == {(field, code)}


async def test_a_bad_parameter_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.post("/form?limit=many", json={"severity": "low"})

    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [("/limit", "value.invalid")]


async def test_thousands_of_unknown_fields_get_a_short_answer(client: httpx.AsyncClient) -> None:
    answer = await client.post("/form", json={"severity": "low"} | {f"{'x' * 500}{n}": 1 for n in range(1000)})

    assert answer.status_code == 422
    assert len(answer.content) < 30_000
