"""One ASGI app a service: a start that waits for what is needed or fails loudly, health, and an orderly end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import asdict
from typing import Any, TypeAlias

import structlog
from fastapi import Depends, FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from caseway_kit.auth import public
from caseway_kit.bodies import StrictRoute
from caseway_kit.health import Health, Messaging, Need
from caseway_kit.limits import BodyDeadline, HeadLimits
from caseway_kit.messaging.delivery import outcomes
from caseway_kit.metrics import HttpMetrics, new_registry, route_template
from caseway_kit.outbox import Backlog, Relay
from caseway_kit.problems import install_problems

START_DEADLINE = 60.0
# Not of the probes: it reads as much as waits.
BACKLOG = "/internal/backlog"
_PROBES = frozenset({"/livez", "/readyz", "/metrics"})

_log = structlog.stdlib.get_logger("caseway.app")
_access = structlog.stdlib.get_logger("caseway.access")


class ServiceApp:
    """What ``serve`` runs; the service's ``start`` gets it, to wait for needs and to hand over background tasks."""

    def __init__(
        self,
        service: str,
        api: FastAPI,
        start: "Start",
        *,
        needs: Iterable[Need],
        messaging: Messaging | None,
        registry: CollectorRegistry,
        deadline: float,
    ) -> None:
        self.service = service
        self.api = api
        self.registry = registry
        self.health = Health(messaging)
        # Set when the process is asked to end: streams that would stay open finish by it.
        self.stopping = asyncio.Event()
        self._relays: list[Relay] = []
        self._start = start
        self._needs = tuple(needs)
        self._deadline = deadline
        self._starting: asyncio.Timeout | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._http: ASGIApp = HeadLimits(BodyDeadline(api))
        self._metrics = HttpMetrics(registry)

    async def wait_for(self, *needs: Need) -> None:
        """Return when all ``needs`` are there; the deadline of the start cuts the wait."""
        await self.health.wait_for(needs)

    def supervise(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        """Run ``work`` in the background until the service ends; if it ends before, liveness turns red."""
        self.health.supervise(name, work)

    def relay(self, name: str, relay: Relay) -> None:
        """Run ``relay`` likewise, and tell what waits for it."""
        self._relays.append(relay)
        self.supervise(name, relay.run())

    async def backlog(self) -> Backlog:
        found = await asyncio.gather(*(relay.backlog() for relay in self._relays))
        ages = [one.oldest_seconds for one in found if one.oldest_seconds is not None]
        return Backlog(sum(one.count for one in found), max(ages, default=None))

    def stop(self) -> None:
        """Readiness turns red, streams finish, and a start that still waits is given up."""
        self.health.stopping = True
        self.stopping.set()
        if self._starting is not None:
            self._starting.reschedule(0)

    def stop_soon(self) -> None:
        """``stop`` from a signal handler, where the loop may be asleep."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.stop)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        self._loop = asyncio.get_running_loop()
        await receive()
        stack = contextlib.AsyncExitStack()
        if not await self._started(stack):
            await send({"type": "lifespan.startup.failed", "message": ""})
            return
        _log.info("started")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.stop()
        try:
            await stack.aclose()
        except Exception:
            _log.exception("the end was not clean")
            await send({"type": "lifespan.shutdown.failed", "message": ""})
            return
        _log.info("stopped")
        await send({"type": "lifespan.shutdown.complete"})

    async def _started(self, stack: contextlib.AsyncExitStack) -> bool:
        limit = asyncio.timeout(self._deadline)
        try:
            async with limit as self._starting:
                await stack.enter_async_context(self._running())
        except Exception:
            if not limit.expired():
                _log.exception("start failed")
            elif self.stopping.is_set():
                _log.info("stopped before the start was complete")
            else:
                _log.exception("start took too long", away=self.health.waiting_for, seconds=self._deadline)
            return False
        finally:
            self._starting = None
        return True

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        await self.health.wait_for(self._needs)
        async with self._start(self):
            messaging = self.health.messaging
            try:
                if messaging is not None:
                    await messaging.start()
                yield
            finally:
                if messaging is not None:
                    await messaging.stop()
                await self.health.stop_tasks()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._http(scope, receive, watch)
        finally:
            seconds = time.monotonic() - began
            route = route_template(scope)
            self._metrics.answered(scope["method"], route, status, seconds)
            if scope["path"] not in _PROBES:
                # The path and never the query: that may hold a customer's words.
                answer = {"method": scope["method"], "path": scope["path"], "route": route, "status": status}
                _access.info("answered", **answer, ms=round(seconds * 1000, 1))


Start: TypeAlias = Callable[[ServiceApp], contextlib.AbstractAsyncContextManager[None]]


def build_api(*, title: str, version: str) -> FastAPI:
    """A FastAPI app with our problems and strict bodies, and no documentation pages: they load scripts from afar."""
    api = FastAPI(title=title, version=version, docs_url=None, redoc_url=None, redirect_slashes=False)
    api.router.route_class = StrictRoute
    install_problems(api)
    return api


def build_app(
    service: str,
    *,
    title: str,
    version: str,
    start: Start,
    api: FastAPI | None = None,
    needs: Iterable[Need] = (),
    messaging: Messaging | None = None,
    registry: CollectorRegistry | None = None,
    deadline: float = START_DEADLINE,
) -> ServiceApp:
    """The whole service behind its port.

    In this order: ``needs`` are waited for, ``start`` wires the parts, ``messaging`` starts; the end goes backwards.
    ``api`` comes from ``build_api``; a service without routes of its own leaves it out.
    """
    api = api if api is not None else build_api(title=title, version=version)
    registry = registry if registry is not None else new_registry()
    if messaging is not None:
        registry.register(outcomes)
    app = ServiceApp(
        service,
        api,
        start,
        needs=needs,
        messaging=messaging,
        registry=registry,
        deadline=deadline,
    )

    async def livez() -> Response:
        return JSONResponse(
            {"live": app.health.live(), "checks": app.health.running()}, 200 if app.health.live() else 503
        )

    async def readyz() -> Response:
        checks = await app.health.checks()
        ready = all(state in ("ok", "running") for state in checks.values())
        return JSONResponse({"ready": ready, "checks": checks}, 200 if ready else 503)

    async def metrics() -> Response:
        return Response(generate_latest(app.registry), media_type=CONTENT_TYPE_LATEST)

    async def backlog() -> Response:
        return JSONResponse(asdict(await app.backlog()))

    async def version_of() -> Response:
        return JSONResponse({"service": service, "version": version})

    routes = {"/livez": livez, "/readyz": readyz, "/metrics": metrics, "/version": version_of, BACKLOG: backlog}
    for path, answer in routes.items():
        api.add_api_route(path, answer, include_in_schema=False, dependencies=[Depends(public())], response_model=None)
    return app
