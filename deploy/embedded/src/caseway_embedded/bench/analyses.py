"""Samples through the sandbox alone, through the whole of sample-analysis, and in a bare loop of one process."""

import asyncio
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from caseway_contracts.base import ObjectRef
from caseway_contracts.cases import CaseSubmitted
from caseway_contracts.sheets import CaseSheet, SheetAttachment
from caseway_embedded.bench.meter import Meter
from caseway_embedded.data_dir import DataDir
from caseway_kit.messaging import encode
from caseway_kit.objects import Objects, new_salt, open_objects

PASSWORD = "infected"  # noqa: S105 - what samples are sent under everywhere
# Far fewer than an account may have in flight before its pieces wait on the bulk lane.
PIECES_A_CASE = 10
WARM_UP = 10
LOOP_SECONDS = 1800
PATIENCE_SECONDS = 900.0


def chosen(folder: Path, count: int, largest: int) -> list[Path]:
    """Up to ``count`` files below ``folder``, evenly from all of it, each content once."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and 0 < path.stat().st_size <= largest)
    by_content: dict[str, Path] = {}
    for path in files:
        by_content.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
    unique = list(by_content.values())
    if not unique:
        raise ValueError(f"{folder} holds no files that are small enough")
    step = max(1.0, len(unique) / count)
    return [unique[int(place * step)] for place in range(min(count, len(unique)))]


def looped(mode: str, workers: int, paths: Sequence[Path]) -> dict[str, Any]:
    """The engines called by one process (``bare``), or in the children of a sandbox (``sandbox``)."""
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "sample_analysis.loop", mode, str(workers)],
        input="".join(f"{path}\n" for path in paths),
        capture_output=True,
        text=True,
        timeout=LOOP_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the {mode} loop failed: {done.stderr[-1500:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


async def served(data: DataDir, paths: Sequence[Path]) -> dict[str, Any]:
    """The running system's sample-analysis, from the case events to the last statement about a piece."""
    state = data.state()
    kafka = f"127.0.0.1:{state['parts']['kafka']['port']}"
    objects = open_objects((data.root / "objects").absolute().as_uri())
    # What is warmed up with is known then, and so is not what counts.
    warm = [f"warm up {uuid4()}".encode() for _ in range(WARM_UP)]
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    consumer = AIOKafkaConsumer("analyses", bootstrap_servers=kafka, auto_offset_reset="earliest")
    await producer.start()
    await consumer.start()
    try:
        await _through(producer, consumer, [one async for one in _cases(objects, [("w.txt", one) for one in warm])])
        cases = [one async for one in _cases(objects, [(path.name, path.read_bytes()) for path in paths])]
        started = time.perf_counter()
        with Meter({"service": state["services"]["sample-analysis"]["pid"]}) as meter:
            verdicts = await _through(producer, consumer, cases)
        wall = time.perf_counter() - started
    finally:
        await consumer.stop()
        await producer.stop()
    return {
        "samples": len(verdicts),
        "wall_s": round(wall, 3),
        "samples_per_s": round(len(verdicts) / wall, 2),
        "not_analyzed": sum(verdict == "not_analyzed" for verdict in verdicts),
        "cpu_s": round(meter.cpu["service"], 2),
    }


async def _through(producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, cases: Sequence[CaseSubmitted]) -> list[str]:
    """State the cases, and wait for the verdict on each of their pieces."""
    for case in cases:
        one = encode(case, source="bench")
        headers = [(name, value.encode()) for name, value in one.headers.items()]
        await producer.send(one.topic, one.body.encode(), key=one.key.encode(), headers=headers)
    await producer.flush()
    waiting = {piece.id for case in cases for piece in case.evidence}
    verdicts = {}
    async with asyncio.timeout(PATIENCE_SECONDS):
        while waiting:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for event in (json.loads(record.value) for record in records):
                    if event["type"] == "EvidenceAnalyzed" and event["subject_id"] in waiting:
                        waiting.discard(event["subject_id"])
                        verdicts[event["subject_id"]] = event["verdict"]
    return list(verdicts.values())


async def _cases(objects: Objects, samples: Sequence[tuple[str, bytes]]) -> AsyncIterator[CaseSubmitted]:
    for lot in (samples[start : start + PIECES_A_CASE] for start in range(0, len(samples), PIECES_A_CASE)):
        sr_number, account = f"BENCH-{uuid4().hex[:12]}", f"bench-{uuid4()}"
        evidence, words = [], []
        for name, data in lot:
            sha256 = hashlib.sha256(data).hexdigest()
            ref = ObjectRef(key=f"accounts/{account}/uploads/{uuid4()}", sha256=sha256, size=len(data))
            await objects.put(ref, data)
            evidence.append({"id": str(uuid4()), "kind": "file", "object": ref})
            words.append(SheetAttachment(evidence_id=evidence[-1]["id"], name=name, password=PASSWORD))
        sheet = CaseSheet(
            salt=new_salt(), sr_number=sr_number, subject="bench", description="bench", attachments=tuple(words)
        )
        yield CaseSubmitted.model_validate(
            {
                "event_id": uuid4(),
                "occurred_at": datetime.now(UTC),
                "key": sr_number,
                "account_id": account,
                "subject_id": sr_number,
                "revision": 1,
                "region": "01",
                "by": "bench",
                "issue_type": "threat",
                "category": "infected-or-possibly-infected",
                "severity": "low",
                "product": "apex-one",
                "catalog_version": "1",
                "profile_id": "bench",
                "profile_revision": 1,
                "sheet": await objects.put_json(f"cases/{sr_number}/sheet/1", sheet),
                "evidence": evidence,
            }
        )
