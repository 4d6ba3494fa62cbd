"""ClamAV by clamd: against a server that speaks its protocol, and against the real one where it is installed."""

import asyncio
import io
import shutil
import struct
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from caseway_kit.archives import protected_zip
from caseway_kit.errors import OutageError
from caseway_kit.sandbox import Sandbox
from sample_analysis.antivirus import Clamd, TooLarge, with_detections
from sample_analysis.engine_client import BUDGET, PRELOAD, Engines

MARK = b"mark-of-a-made-up-virus"
MOST_BYTES = 4_000_000


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As clamd(8) describes VERSION and INSTREAM."""
    command = await reader.readline()
    if command == b"nVERSION\n":
        writer.write(b"ClamAV 1.4.6/27000/Mon Nov 16 09:00:00 2026\n")
    elif command == b"nINSTREAM\n":
        data = b""
        while size := struct.unpack("!L", await reader.readexactly(4))[0]:
            data += await reader.readexactly(size)
        if len(data) > MOST_BYTES:
            writer.write(b"INSTREAM size limit exceeded. ERROR\n")
        else:
            writer.write(b"stream: Test.Family FOUND\n" if MARK in data else b"stream: OK\n")
    await writer.drain()
    writer.close()


@pytest.fixture
async def clamd() -> AsyncIterator[Clamd]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield Clamd("127.0.0.1", server.sockets[0].getsockname()[1])


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder that every user can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="caseway-antivirus-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def analyze(room: Path) -> Callable[[Clamd, bytes], Any]:
    async def analyze(clamd: Clamd, data: bytes) -> dict[str, Any]:
        sample = room / "sample.bin"
        sample.write_bytes(data)
        async with Sandbox(workers=1, scratch=room, preload=[PRELOAD], ceiling=BUDGET) as sandbox:
            engines = Engines(sandbox, antivirus=clamd, spill_in=room)
            await engines.prepare()
            found = await engines.analyze(sample, evidence_id="e", name="x.zip", kind="file", passwords=["geheim"])
            assert tuple(found["engines"]) == engines.versions
        return found

    return analyze


async def test_member_of_a_protected_zip_is_known_and_named(clamd: Clamd, analyze: Callable[..., Any]) -> None:
    packed = protected_zip({"a/bad.bin": b"xx" + MARK, "good.txt": b"hello", "huge.bin": bytes(5_000_000)}, "geheim")
    found = await analyze(clamd, packed)
    outer, bad, good, huge = found["files"]
    assert (outer["verdict"], bad["verdict"], good["verdict"]) == ("malicious", "malicious", "unknown")
    [reason] = [reason for reason in bad["reasons"] if reason["engine"] == "clamav"]
    assert (reason["rule"], reason["version"]) == ("Test.Family", "1.4.6/27000")
    assert ("worst-inside", "a/bad.bin") in [(one["rule"], one["where"]) for one in outer["reasons"]]
    assert [limit["limit"] for limit in huge["limits"]] == ["antivirus-bytes"]
    assert "spilled" not in found
    assert found["engines"][-1] == "clamav/1.4.6/27000"


async def test_daemon_that_is_away_is_an_outage_and_not_a_verdict() -> None:
    away = Clamd("127.0.0.1", 9)
    with pytest.raises(OutageError, match="clamd"):
        await away.scan(io.BytesIO(b"x"))
    with pytest.raises(OutageError, match="clamd"):
        await away.version()


async def test_what_it_takes_no_more_of_is_said(clamd: Clamd) -> None:
    with pytest.raises(TooLarge):
        await clamd.scan(io.BytesIO(bytes(MOST_BYTES + 1)))


def test_mail_whose_attachment_is_detected_is_as_bad() -> None:
    file = {"verdict": "unknown", "reasons": [], "limits": [], "name": ""}
    found: dict[str, Any] = {
        "files": [{**file, "id": "m", "parent_id": None}, {**file, "id": "a", "parent_id": "m", "name": "a.bin"}],
        "emails": [{"id": "m", "verdict": "unknown", "reasons": [], "limits": []}],
    }
    for one in found["files"]:
        one |= {"reasons": [], "limits": []}
    judged = with_detections(found, {"a": "PUA.Test.Tool", "unheard-of": "X"}, {}, "1")
    assert [file["verdict"] for file in judged["files"]] == ["suspicious", "suspicious"]
    assert (judged["emails"][0]["verdict"], len(judged["emails"][0]["reasons"])) == ("suspicious", 1)


@asynccontextmanager
async def real_clamd(folder: Path, program: str) -> AsyncIterator[Clamd]:
    signatures = folder / "signatures"
    signatures.mkdir()
    (signatures / "own.ndb").write_text(f"Own.Test.Family:0:*:{MARK.hex()}\n")
    for _ in range(5):
        process, clamd = await start_clamd(folder, program, signatures)
        try:
            if await answers(clamd, process):
                yield clamd
                return
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
    pytest.fail("clamd ended on every port")


async def start_clamd(folder: Path, program: str, signatures: Path) -> tuple[asyncio.subprocess.Process, Clamd]:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    settings = f"Foreground yes\nDatabaseDirectory {signatures}\nTCPSocket {port}\nTCPAddr 127.0.0.1\nUser root\n"
    (folder / "clamd.conf").write_text(settings)
    process = await asyncio.create_subprocess_exec(
        program, "-c", str(folder / "clamd.conf"), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    return process, Clamd("127.0.0.1", port)


async def answers(clamd: Clamd, process: asyncio.subprocess.Process) -> bool:
    """False when it has ended: another program may have taken its port meanwhile."""
    deadline = time.monotonic() + 60
    while process.returncode is None:
        with suppress(OutageError):
            await clamd.version()
            return True
        assert time.monotonic() < deadline, "clamd did not come up"
        await asyncio.sleep(0.2)
    return False


async def test_the_real_daemon_says_the_same(room: Path, analyze: Callable[..., Any]) -> None:
    if (program := shutil.which("clamd")) is None:
        pytest.skip("no clamd on this machine: ClamAV is an option that an operator installs")
    async with real_clamd(room, program) as clamd:
        found = await analyze(clamd, protected_zip({"bad.bin": b"xx" + MARK, "good.txt": b"hello"}, "geheim"))
    assert [file["verdict"] for file in found["files"]] == ["malicious", "malicious", "unknown"]
    assert "Own.Test.Family" in found["files"][1]["reasons"][0]["rule"]
