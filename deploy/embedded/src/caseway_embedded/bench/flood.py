"""What others notice while one account sends far more than the system can analyse: their cases, with it and without."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

import httpx

from caseway_embedded.bench.burst import PATIENCE_SECONDS, WARM_UP, Running
from caseway_embedded.bench.corpus import Sample
from caseway_embedded.bench.events import LAST, Events
from caseway_embedded.bench.figures import spread, stages
from caseway_embedded.bench.submitters import PRODUCT, Submitted, Submitters
from caseway_embedded.data_dir import DataDir
from caseway_embedded.demo.users import USERS_FILE

AT_ONCE = 4
LOOK_SECONDS = 0.05


async def measure(data: DataDir, flood: Sequence[Sample], quiet: Sequence[Sample], flooded: Sequence[Sample]) -> Any:
    """``quiet`` and ``flooded`` hold a sample for each of the other accounts, who submit one after the other."""
    system = Running.of(data)
    opened: list[Submitters] = []
    try:
        for credentials in (system.credentials, *await asyncio.to_thread(_accounts, system, data, len(quiet))):
            opened.append(await asyncio.to_thread(Submitters, system.url, credentials))
        flooder, *others = opened
        await _warmed_up(system, flooder, flood[:WARM_UP])
        without = await _alone(system, others, quiet)
        beside, sent, backlog = await _beside(system, flooder, flood[WARM_UP:], others, flooded)
    finally:
        for one in opened:
            one.close()
    flood_s = max(one.accepted for one in sent) - min(one.started for one in sent)
    return {
        "benchmark": "flood",
        "flood": len(sent),
        "flood_s": round(flood_s, 1),
        "backlog": backlog,
        "others": len(others),
        "without_ms": without,
        "beside_ms": beside,
        "ratio": round(beside[LAST]["p95"] / without[LAST]["p95"], 2),
    }


async def _warmed_up(system: Running, flooder: Submitters, samples: Sequence[Sample]) -> None:
    async with Events(system.kafka) as events:
        sent = await asyncio.to_thread(flooder.run, samples, at_once=AT_ONCE)
        await events.until_complete({one.sr for one in sent}, PATIENCE_SECONDS)


async def _alone(system: Running, others: Sequence[Submitters], samples: Sequence[Sample]) -> dict[str, Any]:
    async with Events(system.kafka) as events:
        return _times([await _submitted(events, *one) for one in zip(others, samples, strict=True)], events)


async def _beside(
    system: Running,
    flooder: Submitters,
    flood: Sequence[Sample],
    others: Sequence[Submitters],
    samples: Sequence[Sample],
) -> tuple[dict[str, Any], Sequence[Submitted], int]:
    """The times of the others, who come evenly while the flood is sent, the flood, and how many of its cases waited for
    their analysis when the last was accepted."""
    async with Events(system.kafka) as events:
        before = len(flooder.accepted)
        flooding = asyncio.create_task(asyncio.to_thread(flooder.run, flood, at_once=AT_ONCE))
        beside: list[Submitted] = []
        for number, one in enumerate(zip(others, samples, strict=True)):
            due = (2 * number + 1) * len(flood) // (2 * len(others))
            while not flooding.done() and len(flooder.accepted) - before < due:  # noqa: ASYNC110 - counted in threads
                await asyncio.sleep(LOOK_SECONDS)
            beside.append(await _submitted(events, *one))
        sent = await flooding
        backlog = len({one.sr for one in sent} - events.at[LAST].keys())
    return _times(beside, events), sent, backlog


async def _submitted(events: Events, other: Submitters, sample: Sample) -> Submitted:
    """A case that is complete."""
    [sent] = await asyncio.to_thread(other.run, [sample], at_once=1)
    await events.until_complete({sent.sr}, PATIENCE_SECONDS)
    return sent


def _times(burst: Sequence[Submitted], events: Events) -> dict[str, Any]:
    """Milliseconds until their cases were accepted, and at each stage."""
    accepted = spread([one.accepted - one.started for one in burst], (50, 95))
    return {"cases": len(burst), "accepted": accepted} | stages(burst, events.at)


def _accounts(system: Running, data: DataDir, count: int) -> list[dict[str, str]]:
    """Credentials of an admin of each of so many new accounts."""
    with httpx.Client(base_url=f"{system.url}/api/v1", timeout=PATIENCE_SECONDS, trust_env=False) as http:

        def post(path: str, body: dict[str, Any]) -> Any:
            return http.post(path, json=body).raise_for_status().json()

        http.headers["Authorization"] = f"Bearer {post('/session', data.read_json(USERS_FILE)['operator'])['token']}"
        made = []
        for number in range(count):
            account = post("/accounts", {"name": f"Other {number}"})["id"]
            credentials = {"email": f"admin@other{number}.example", "password": secrets.token_urlsafe()}
            post("/users", {"account_id": account, "role": "account_admin", "name": "", "teams": [], **credentials})
            post("/activation-codes", {"account_id": account, "product": PRODUCT, "code": f"OS-FLOOD-{number:04}"})
            made.append(credentials)
    return made
