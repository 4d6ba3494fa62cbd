"""One burst of cases against a running system, and proof that the work was done."""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from caseway_embedded.bench.corpus import Sample
from caseway_embedded.bench.events import Events
from caseway_embedded.bench.figures import DRIVER, figures
from caseway_embedded.bench.meter import Meter, proportional
from caseway_embedded.bench.submitters import Submitted, Submitters
from caseway_embedded.data_dir import DataDir
from caseway_embedded.demo.users import USERS_FILE

# So many go before what counts: processes that have not worked yet are slow at first.
WARM_UP = 8
PATIENCE_SECONDS = 300.0
LOOK_SECONDS = 0.25
UNFINISHED = {"received", "analyzing", "delayed"}


@dataclass(frozen=True)
class Running:
    """The embedded system that is measured."""

    url: str
    kafka: str
    pids: dict[str, int]
    credentials: dict[str, str]

    @classmethod
    def of(cls, data: DataDir) -> "Running":
        state = data.state()
        rows = {**state["parts"], **state["services"]}
        return cls(
            url=state["url"],
            kafka=f"127.0.0.1:{state['parts']['kafka']['port']}",
            pids={name: row["pid"] for name, row in rows.items()} | {"supervisor": state["supervisor"]},
            credentials=data.read_json(USERS_FILE)["customer"],
        )


async def measure(system: Running, samples: Sequence[Sample], warm_up: Sequence[Sample], at_once: int) -> Any:
    """Figures of ``samples`` submitted from ``at_once`` submitters; raises TimeoutError and RuntimeError."""
    submitters = await asyncio.to_thread(Submitters, system.url, system.credentials)
    try:
        await _completed(system, submitters, warm_up, at_once)
        await asyncio.to_thread(_at_rest, submitters)
        submitters.throttled = 0
        with Meter({**system.pids, DRIVER: os.getpid()}) as meter:
            burst, events = await _completed(system, submitters, samples, at_once)
            # The read model and the mails belong to the work, also where they come after the result.
            await asyncio.to_thread(_at_rest, submitters)
        found = figures(burst, events.at, meter, proportional(system.pids))
        await asyncio.to_thread(_check, submitters, burst)
    finally:
        submitters.close()
    return found | {"throttled": submitters.throttled}


async def _completed(
    system: Running, submitters: Submitters, samples: Sequence[Sample], at_once: int
) -> tuple[list[Submitted], Events]:
    async with Events(system.kafka) as events:
        burst = await asyncio.to_thread(submitters.run, samples, at_once=at_once)
        await events.until_complete({one.sr for one in burst}, PATIENCE_SECONDS)
    return burst, events


def _at_rest(submitters: Submitters) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(one["status"] in UNFINISHED for one in _newest(submitters)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"cases are still being worked on after {PATIENCE_SECONDS:g} s")
        time.sleep(LOOK_SECONDS)


def _newest(submitters: Submitters) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = submitters.call("GET", "/cases", params={"limit": 200})["items"]
    return found


def _check(submitters: Submitters, burst: Sequence[Submitted]) -> None:
    """Every child has its result, and the test virus in each zip was found."""
    for one in burst:
        files = submitters.call("GET", f"/cases/{one.sr}")["analysis"]["files"]
        roots = {file["id"]: file for file in files if file["parent_id"] is None}
        children = [file for file in files if file["parent_id"] in roots]
        verdicts = {file["verdict"] for file in roots.values()}
        if len(children) != one.sample.children or verdicts != {"malicious"}:
            raise RuntimeError(f"{one.sr}: {len(children)} of {one.sample.children} children, verdict {verdicts}")
