import asyncio
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from caseway_embedded.data_dir import DataDir, port_is_free
from caseway_embedded.keeper import Keeper
from caseway_embedded.parts.caddy import Caddy
from caseway_embedded.services import SERVICES

DOWN = "notifier"


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """Every service but one as a server that answers with its name."""
    servers = {}
    for service in SERVICES:

        class Named(BaseHTTPRequestHandler):
            name = service.name

            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(self.name.encode())

            do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the base class's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
                return

        servers[service.name] = ThreadingHTTPServer(("127.0.0.1", 0), Named)
        Thread(target=servers[service.name].serve_forever, daemon=True).start()
    servers[DOWN].shutdown()
    servers[DOWN].server_close()
    yield {name: server.server_address[1] for name, server in servers.items()}
    for server in servers.values():
        server.shutdown()
        server.server_close()


@pytest.fixture
async def caddy(tmp_path: Path, ports: dict[str, int]) -> AsyncIterator[httpx.AsyncClient]:
    data = DataDir(tmp_path)
    data.create()
    port = next(port for port in range(19_080, 20_000) if port_is_free(port))
    keeper = Keeper(Caddy(data, ports, SERVICES, port), lambda *_: None)
    await keeper.start(30)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    await keeper.stop()


@pytest.mark.integration
async def test_every_call_reaches_its_service(caddy: httpx.AsyncClient) -> None:
    calls = {
        "POST /api/v1/uploads": "intake",
        "PATCH /api/v1/uploads/1": "intake",
        "GET /api/v1/catalog": "intake",
        "POST /api/v1/cases": "intake",
        "POST /api/v1/cases/bulk": "intake",
        "POST /api/v1/cases/SR01-000000042-4/updates": "intake",
        "POST /api/v1/cases/SR01-000000042-4/close": "intake",
        "POST /api/v1/cases/SR01-000000042-4/promote": "intake",
        "GET /api/v1/cases": "portal",
        "GET /api/v1/cases/SR01-000000042-4": "portal",
        "GET /api/v1/cases/SR01-000000042-4/events": "portal",
        "GET /api/v1/cases/SR01-000000042-4/evidence": "portal",
        "GET /api/v1/openapi.json": "portal",
        "GET /": "portal",
        "GET /docs": "portal",
        "POST /api/v1/session": "profiles",
        "GET /api/v1/profiles": "profiles",
        "PUT /api/v1/profiles/7": "profiles",
        "GET /api/v1/contacts": "profiles",
        "PUT /api/v1/case-recipients": "profiles",
        "GET /api/v1/activation-codes?product=x": "profiles",
        "GET /api/v1/.well-known/jwks.json": "profiles",
        "POST /api/v1/ratings/lookup": "url-rating",
    }
    answers = {call: (await caddy.request(*call.split())).text for call in calls}
    assert answers == calls


@pytest.mark.integration
@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/livez", "/internal/cases?since=2026-01-01T00:00:00Z"])
async def test_what_is_for_operators_is_not_under_the_one_address(caddy: httpx.AsyncClient, path: str) -> None:
    answer = await caddy.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.integration
async def test_an_answer_does_not_wait_for_the_rest_of_the_body(caddy: httpx.AsyncClient) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", caddy.base_url.port)
    head = b"POST /api/v1/cases/bulk HTTP/1.1\r\nHost: caseway\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head + b"7\r\na line\n\r\n")

    async with asyncio.timeout(60):
        answer = await reader.readline()

    writer.close()
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.integration
async def test_a_service_that_is_away_is_a_503_that_says_when_to_come_back(caddy: httpx.AsyncClient) -> None:
    answer = await caddy.get("/api/v1/notifications")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "5"
    assert answer.elapsed.total_seconds() < 30
