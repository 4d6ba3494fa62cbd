import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.types import Message

from caseway_kit.app import ServiceApp, build_api, build_app
from caseway_kit.auth import undeclared_routes
from caseway_kit.health import Need, State
from caseway_kit.limits import BodyDeadline

SERVICE = Path(__file__).with_name("kit_service.py")


class Subscribers:
    def __init__(self, done: list[str]) -> None:
        self.done = done
        self.state: State = "stopped"

    async def start(self) -> None:
        self.done.append("subscribers start")
        self.state = "running"

    async def stop(self) -> None:
        self.done.append("subscribers stop")

    def states(self) -> dict[str, State]:
        return {"cases": self.state}


@contextlib.asynccontextmanager
async def lifespan(app: ServiceApp) -> AsyncIterator[list[str]]:
    """The app between start-up and shutdown, as a server drives it; gives the messages that it answered."""
    asked: asyncio.Queue[Message] = asyncio.Queue()
    answered: asyncio.Queue[Message] = asyncio.Queue()
    said: list[str] = []
    running = asyncio.create_task(app({"type": "lifespan"}, asked.get, answered.put))
    asked.put_nowait({"type": "lifespan.startup"})
    said.append((await answered.get())["type"])
    yield said
    if not running.done() and said == ["lifespan.startup.complete"]:
        asked.put_nowait({"type": "lifespan.shutdown"})
        said.append((await answered.get())["type"])
    await running


@contextlib.asynccontextmanager
async def nothing(_: ServiceApp) -> AsyncIterator[None]:
    yield


async def never() -> None:
    raise ConnectionError("db-7.internal")


def client_of(app: ServiceApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t")


async def test_parts_start_in_order_and_end_backwards() -> None:
    done: list[str] = []
    subscribers = Subscribers(done)

    async def relay() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            done.append("relay over")

    async def check() -> None:
        if not done:
            done.append("need")

    @contextlib.asynccontextmanager
    async def start(app: ServiceApp) -> AsyncIterator[None]:
        done.append("wired")
        app.supervise("relay", relay())
        yield
        done.append("unwired")

    app = build_app(
        "intake", title="Intake", version="1.2.3", start=start, needs=[Need("MongoDB", check)], messaging=subscribers
    )
    async with lifespan(app) as said, client_of(app) as client:
        ready = await client.get("/readyz")
        live = await client.get("/livez")
        version = await client.get("/version")

    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert done == ["need", "wired", "subscribers start", "subscribers stop", "relay over", "unwired"]
    assert (live.status_code, live.json()["checks"]) == (200, {"relay": "running", "cases": "running"})
    assert ready.json() == {"ready": True, "checks": {"MongoDB": "ok", "relay": "running", "cases": "running"}}
    assert version.json() == {"service": "intake", "version": "1.2.3"}


async def test_readiness_turns_red_while_liveness_stays_green() -> None:
    subscribers = Subscribers([])
    app = build_app("intake", title="Intake", version="1", start=nothing, messaging=subscribers)
    async with lifespan(app), client_of(app) as client:
        subscribers.state = "paused"
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/livez")).status_code == 200

        subscribers.state = "stopped"
        assert (await client.get("/livez")).json() == {"live": False, "checks": {"cases": "stopped"}}

        subscribers.state = "running"
        app.stop()
        assert (await client.get("/readyz")).json()["checks"]["service"] == "stopping"


async def test_a_start_that_misses_its_deadline_fails() -> None:
    app = build_app("x", title="X", version="1", start=nothing, needs=[Need("MongoDB", never)], deadline=0.1)

    async with lifespan(app) as said:
        assert said == ["lifespan.startup.failed"]
    assert app.health.waiting_for == ["MongoDB"]


async def test_a_start_that_breaks_undoes_what_was_done() -> None:
    done: list[str] = []

    class Broken(Subscribers):
        async def start(self) -> None:
            raise ConnectionError

    app = build_app("x", title="X", version="1", start=nothing, messaging=Broken(done))

    async with lifespan(app) as said:
        assert said == ["lifespan.startup.failed"]
    assert done == ["subscribers stop"]


async def test_a_start_that_waits_can_be_given_up() -> None:
    app = build_app("x", title="X", version="1", start=nothing, needs=[Need("MongoDB", never)])
    asyncio.get_running_loop().call_later(0.05, app.stop)

    async with asyncio.timeout(60), lifespan(app) as said:
        assert said == ["lifespan.startup.failed"]


@pytest.fixture
def api() -> FastAPI:
    api = build_api(title="Intake", version="1")
    router = APIRouter()

    @router.post("/cases/{sr}")
    async def take(sr: str, request: Request) -> int:
        return len(await request.body())

    api.include_router(router, prefix="/api/v1")
    return api


async def test_requests_are_counted_by_the_template_of_their_route(api: FastAPI) -> None:
    app = build_app("intake", title="Intake", version="1", start=nothing, api=api)
    async with client_of(app) as client:
        for sr in ("SR01", "SR02"):
            assert (await client.post(f"/api/v1/cases/{sr}?q=words")).status_code == 200
        await client.get("/words-of-a-stranger")
        await client.request("MADEUP", "/version")
        metrics = (await client.get("/metrics")).text

    assert 'caseway_http_requests_total{method="POST",route="/api/v1/cases/{sr}",status="200"} 2.0' in metrics
    assert 'route="unmatched",status="404"} 1.0' in metrics
    assert "words" not in metrics
    assert "MADEUP" not in metrics
    assert "SR01" not in metrics


async def test_documentation_pages_are_off_and_every_own_route_has_a_rule(api: FastAPI) -> None:
    app = build_app("intake", title="Intake", version="1", start=nothing, api=api)
    async with client_of(app) as client:
        answers = {path: (await client.get(path)) for path in ("/docs", "/redoc", "/openapi.json")}

    assert [answer.status_code for answer in answers.values()] == [404, 404, 200]
    assert list(answers["/openapi.json"].json()["paths"]) == ["/api/v1/cases/{sr}"]
    assert answers["/openapi.json"].headers["x-content-type-options"] == "nosniff"
    assert undeclared_routes(api) == ["POST /api/v1/cases/{sr}"]


@pytest.mark.parametrize(
    ("request_with", "status"),
    [
        ({"headers": {"cookie": "x" * 65_536}}, 431),
        ({"headers": [(f"x-{number}", "1") for number in range(200)]}, 431),
        ({"params": {f"k{number}": "1" for number in range(5_000)}}, 414),
        ({"params": {f"k{number}": "1" for number in range(500)}}, 414),
        ({"params": {"q": "\x00"}}, 400),
        ({"url": "/version/%00"}, 400),
    ],
)
async def test_a_head_out_of_all_bounds_is_refused(request_with: dict[str, Any], status: int) -> None:
    app = build_app("intake", title="Intake", version="1", start=nothing)
    async with client_of(app) as client:
        answer = await client.get(**({"url": "/version"} | request_with))

    assert (answer.status_code, answer.json()["status"]) == (status, status)


async def test_a_body_that_drips_is_cut_and_one_that_flows_is_not(api: FastAPI) -> None:
    async def post(parts: list[bytes], pause: float, *, seconds: float) -> int:
        async def body() -> AsyncIterator[bytes]:
            for part in parts:
                await asyncio.sleep(pause)
                yield part

        transport = httpx.ASGITransport(BodyDeadline(api, seconds=seconds, pace=1000))
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            return (await client.post("/api/v1/cases/SR01", content=body())).status_code

    assert await post([b"x"] * 100, 0.02, seconds=0.2) == 408
    assert await post([b"x" * 1000] * 20, 0.02, seconds=0.2) == 200


@pytest.fixture
def run(port: int) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def run(**environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(SERVICE)],
            env=os.environ | {"SAMPLE_PORT": str(port)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def eventually(get: Callable[[], httpx.Response]) -> httpx.Response:
    until = time.monotonic() + 60
    while True:
        try:
            return get()
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


Run = Callable[..., "subprocess.Popen[str]"]


def test_a_served_app_answers_without_naming_its_server_and_ends_with_0(run: Run, port: int) -> None:
    process = run()
    answer = eventually(lambda: httpx.get(f"http://127.0.0.1:{port}/readyz?q=words", trust_env=False))
    httpx.get(f"http://127.0.0.1:{port}/bug?q=words", trust_env=False)

    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)

    assert (answer.status_code, process.returncode) == (200, 0)
    assert "server" not in answer.headers
    lines = [json.loads(line) for line in said.splitlines()]
    assert {line["service"] for line in lines} == {"sample"}
    assert [line["message"] for line in lines if line["logger"].startswith("caseway")] == [
        "started", "unexpected error", "answered", "stopped",
    ]  # fmt: skip
    assert "words" not in said


def test_a_request_in_work_is_answered_before_the_end(run: Run, port: int) -> None:
    process = run()
    eventually(lambda: httpx.get(f"http://127.0.0.1:{port}/livez", trust_env=False))
    with httpx.stream("GET", f"http://127.0.0.1:{port}/until-stopped", trust_env=False) as answer:
        parts = answer.iter_text()
        assert next(parts) == "first"
        process.send_signal(signal.SIGTERM)
        assert "".join(parts) == "last"

    assert process.wait(timeout=60) == 0


def test_a_service_with_a_part_that_died_ends_to_be_started_again(run: Run) -> None:
    process = run(SAMPLE_DEATH="1")

    said, _ = process.communicate(timeout=60)

    assert process.returncode == 70
    [end] = [line for line in map(json.loads, said.splitlines()) if line["level"] == "critical"]
    assert end["checks"] == {"relay": "stopped"}


def test_a_service_whose_need_stays_away_says_so_and_exits_non_zero(run: Run) -> None:
    process = run(SAMPLE_NEED="away", SAMPLE_DEADLINE="0.5")

    said, _ = process.communicate(timeout=60)

    assert process.returncode not in (0, None)
    [late] = [line for line in map(json.loads, said.splitlines()) if line["message"] == "start took too long"]
    assert late["away"] == ["MongoDB"]


def test_a_service_that_waits_for_a_need_can_be_told_to_end(run: Run) -> None:
    process = run(SAMPLE_NEED="away")
    assert process.stdout is not None
    while "waiting for a part" not in process.stdout.readline():
        pass

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=60) == 0


def test_a_port_that_is_taken_ends_the_start(run: Run, port: int) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert run().wait(timeout=60) not in (0, None)
