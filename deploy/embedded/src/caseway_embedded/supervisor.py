"""Runs the whole system: the parts, then the topics, then every service, each as its own process.

``python -m caseway_embedded.supervisor --data DIR`` is what ``caseway up --detach`` leaves running.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from caseway_embedded.data_dir import DataDir, StackError
from caseway_embedded.keeper import Keeper, Report
from caseway_embedded.parts.base import Part
from caseway_embedded.parts.caddy import Caddy
from caseway_embedded.parts.kafka import Kafka
from caseway_embedded.parts.mailbox import Mailbox
from caseway_embedded.parts.mongod import Mongod
from caseway_embedded.parts.service import ServiceProcess
from caseway_embedded.seeds import SEEDS, Seed
from caseway_embedded.services import SERVICES, Service
from caseway_embedded.settings import own_settings, shared_settings
from caseway_embedded.topics import TopicLike, apply_topics, declared_topics

# Kafka's first start may have to download it.
PART_DEADLINE = 300.0
SERVICE_DEADLINE = 120.0


class Supervisor:
    def __init__(
        self,
        data: DataDir,
        report: Report,
        *,
        port: int | None = None,
        demo: bool = True,
        services: Sequence[Service] = SERVICES,
        topics: Callable[[], Sequence[TopicLike]] = declared_topics,
        seeds: Sequence[Seed] = SEEDS,
    ) -> None:
        self._data = data
        self._report = report
        self._port = port
        self._services = services
        self._topics = topics
        self._seeds = seeds
        self._demo = demo
        self._parts: dict[str, Keeper] = {}
        self._running: dict[str, Keeper] = {}
        self._url = ""
        self._ready = False
        self._failure: str | None = None

    async def run(self, on_ready: Callable[[str], None] | None = None) -> None:
        """Until SIGINT or SIGTERM; then, or when the start fails, everything is stopped, services first."""
        with self._data.locked(), self._data.scratch() as scratch:
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            for signum in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(signum, stop.set)
            state = asyncio.create_task(self._publish_state())
            start = asyncio.create_task(self._start(scratch))
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({start, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if start.done():
                    start.result()
                    self._ready = True
                    self._write_state()
                    if on_ready:
                        on_ready(self._url)
                    await stopped
            except StackError as error:
                self._failure = str(error)
                raise
            finally:
                self._ready = False
                await _cancel(start, stopped, state)
                await self._stop()
                self._write_state()

    async def _start(self, scratch: Path) -> None:
        ports = {service.name: self._data.port(service.name) for service in self._services}
        caddy = Caddy(self._data, ports, self._services, self._port)
        mongod = Mongod(self._data, [service.name for service in self._services])
        kafka = Kafka(self._data)
        mailbox = Mailbox(self._data)
        self._url = caddy.url
        await self._start_all(self._parts, [kafka, mongod, mailbox, caddy], PART_DEADLINE)
        await apply_topics(kafka.address, self._topics())
        urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        shared = shared_settings(self._data, url=self._url, kafka=kafka.address, smtp=mailbox.address, urls=urls)
        processes = []
        for service in self._services:
            own = own_settings(service.name, self._data, urls, scratch)
            settings = {**shared, **own, "CASEWAY_MONGO": mongod.url(service.name)}
            processes.append(ServiceProcess(service, self._data, ports[service.name], settings))
        await self._start_all(self._running, processes, SERVICE_DEADLINE)
        for seed in self._seeds:
            await seed(self._data, self._url, self._demo)

    async def _start_all(self, into: dict[str, Keeper], parts: Sequence[Part], deadline: float) -> None:
        for part in parts:
            into[part.name] = Keeper(part, self._report)
        async with _first_error(), asyncio.TaskGroup() as group:
            for keeper in into.values():
                group.create_task(keeper.start(deadline))

    async def _stop(self) -> None:
        await asyncio.gather(*(keeper.stop() for keeper in self._running.values()))
        await asyncio.gather(*(keeper.stop() for keeper in self._parts.values()))

    async def _publish_state(self) -> None:
        written: dict[str, Any] = {}
        while True:
            current = self._state()
            if current != written:
                self._data.write_state(current)
                written = current
            await asyncio.sleep(0.2)

    def _write_state(self) -> None:
        self._data.write_state(self._state())

    def _state(self) -> dict[str, Any]:
        everything = [*self._parts.values(), *self._running.values()]
        expected = len(self._services) + len(self._parts)
        return {
            "supervisor": os.getpid(),
            "failure": self._failure,
            "ready": self._ready and len(everything) == expected and all(keeper.ready for keeper in everything),
            "url": self._url or None,
            "mailbox": str(self._data / "mailbox"),
            "services": {name: _row(keeper) for name, keeper in self._running.items()},
            "parts": {name: _row(keeper) for name, keeper in self._parts.items()},
        }


def _row(keeper: Keeper) -> dict[str, Any]:
    return {"pid": keeper.part.pid, "port": keeper.part.port, "ready": keeper.ready}


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def _first_error() -> AsyncIterator[None]:
    try:
        yield
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m caseway_embedded.supervisor")
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--port", type=int)
    arguments.add_argument("--no-demo", action="store_true")
    chosen = arguments.parse_args()

    def report(name: str, what: str, detail: str) -> None:
        sys.stdout.write(f"{name} {what} {detail}\n")
        sys.stdout.flush()

    try:
        asyncio.run(Supervisor(DataDir(chosen.data), report, port=chosen.port, demo=not chosen.no_demo).run())
    except StackError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
