import json
import os
import sysconfig
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from caseway_embedded.data_dir import DataDir, StackError, port_is_free, write_atomically
from caseway_embedded.parts.base import Part
from caseway_embedded.parts.probing import http_status
from caseway_embedded.processes import Command
from caseway_embedded.services import Route, Service

HEALTH = "/caddy-health"
DEFAULT_PORT = 8080
# For operators, on each service's own port.
INSIDE = ("/livez", "/readyz", "/metrics", "/internal", "/internal/*")


def configuration(port: int, table: Sequence[tuple[Route, int]]) -> dict[str, Any]:
    """Caddy's own JSON. Bodies pass through as they come, in both directions: uploads and live results."""
    health = {"match": [{"path": [HEALTH]}], "handle": [{"handler": "static_response", "status_code": 204}]}
    inside = {"match": [{"path": list(INSIDE)}], "handle": [_problem(404, "There is nothing here that you can see.")]}
    routes = [health, inside, *(_route(route, upstream) for route, upstream in table)]
    server = {
        "listen": [f"127.0.0.1:{port}"],
        "protocols": ["h1"],
        "automatic_https": {"disable": True},
        # Else what a service answers before it has the whole body waits for the body: refusals, and lines of a bulk.
        "enable_full_duplex": True,
        "routes": routes,
        "errors": {"routes": [{"handle": [_unavailable()]}]},
    }
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN"}}},
        "apps": {"http": {"grace_period": "2s", "servers": {"caseway": server}}},
    }


def _route(route: Route, upstream: int) -> dict[str, Any]:
    match: dict[str, Any] = {"path": list(route.paths)}
    if route.methods:
        match["method"] = list(route.methods)
    proxy = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"127.0.0.1:{upstream}"}],
        "flush_interval": -1,
        # A service that is being started again is waited for; a refused connection has sent nothing,
        # so trying again can't do anything twice.
        "load_balancing": {"try_duration": "2s", "try_interval": "100ms"},
    }
    return {"match": [match], "handle": [proxy], "terminal": True}


def _unavailable() -> dict[str, Any]:
    return _problem(503, "A part of the system is starting again. Try again in a few seconds.", {"Retry-After": ["5"]})


def _problem(status: int, says: str, more_headers: Mapping[str, list[str]] | None = None) -> dict[str, Any]:
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": says}
    headers = {"Content-Type": ["application/problem+json"], **(more_headers or {})}
    return {"handler": "static_response", "status_code": status, "headers": headers, "body": json.dumps(problem)}


class Caddy(Part):
    """The one address in front of every service."""

    stop_grace = 5

    def __init__(self, data: DataDir, ports: Mapping[str, int], services: Sequence[Service], port: int | None) -> None:
        chosen = port or data.read_json("ports.json").get("caddy") or DEFAULT_PORT
        if not port_is_free(chosen):
            raise StackError(
                f"Port {chosen} is taken by another program. Choose another one: `caseway up --port {chosen + 1}`."
            )
        super().__init__("caddy", data, data.port("caddy", wanted=chosen))
        self._folder = data.folder("caddy")
        self._table = [(route, ports[service.name]) for service in services for route in service.routes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def prepare(self) -> None:
        write_atomically(self._settings, json.dumps(configuration(self.port, self._table), indent=2))

    def command(self) -> Command:
        binary = Path(sysconfig.get_path("scripts")) / "caddy"
        home = {"XDG_DATA_HOME": str(self._folder), "XDG_CONFIG_HOME": str(self._folder)}
        return Command([str(binary), "run", "--config", str(self._settings)], env=os.environ | home, cwd=self._folder)

    async def ready(self) -> bool:
        return await http_status(self.port, HEALTH) == HTTPStatus.NO_CONTENT

    @property
    def _settings(self) -> Path:
        return self._folder / "caddy.json"
