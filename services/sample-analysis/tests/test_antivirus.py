"""ClamAV by clamd: against a server that speaks its protocol, and against the real one where it is installed."""

import asyncio
import shutil
import struct
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sample_analysis_fakes import FakeSandbox

from caseway_kit.archives import protected_zip
from caseway_kit.errors import OutageError
from caseway_kit.sandbox import Sandbox
from sample_analysis import antivirus
from sample_analysis.antivirus import judge, version, with_answers
from sample_analysis.clamd import Clamd
from sample_analysis.engine_client import BUDGET, PRELOAD, Engines
from sample_analysis.findings import NoResult

MARK = b"mark-of-a-made-up-virus"
MOST_BYTES = 4_000_000


@dataclass
class Daemon:
    """Speaks as clamd(8) describes sessions, VERSION and INSTREAM."""

    database: int = 27000
    renewed_after: int = 0
    """Pieces until it loads another database, once."""
    deaf: bool = False
    asked: list[str] = field(default_factory=list)

    talks: list[asyncio.Task[None]] = field(default_factory=list)

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.talks.append(asyncio.create_task(self._talk(reader, writer)))

    async def stop(self) -> None:
        for talk in self.talks:
            talk.cancel()
        await asyncio.gather(*self.talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert await reader.readuntil(b"\0") == b"zIDSESSION\0"
            number = 0
            while True:
                command = (await reader.readuntil(b"\0"))[1:-1].decode()
                number += 1
                self.asked.append(command)
                said = self._version() if command == "VERSION" else await self._scanned(reader)
                writer.write(f"{number}: {said}\0".encode())
                await writer.drain()
                if said.startswith("INSTREAM"):
                    break
        finally:
            writer.close()

    def _version(self) -> str:
        return f"ClamAV 1.4.6/{self.database}/Mon Nov 16 09:00:00 2026"

    async def _scanned(self, reader: asyncio.StreamReader) -> str:
        data = b""
        while size := struct.unpack("!L", await reader.readexactly(4))[0]:
            data += await reader.readexactly(size)
            if len(data) > MOST_BYTES:
                return "INSTREAM size limit exceeded. ERROR"
        if self.deaf:
            await asyncio.Event().wait()
        self.renewed_after -= 1
        self.database += self.renewed_after == 0
        if b"no memory" in data:
            return "stream: Can't allocate memory ERROR"
        return "stream: Test.Family FOUND" if MARK in data else "stream: OK"


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
async def clamd(daemon: Daemon) -> AsyncIterator[Clamd]:
    server = await asyncio.start_server(daemon.serve, "127.0.0.1", 0)
    yield Clamd("127.0.0.1", server.sockets[0].getsockname()[1])
    server.close()
    await daemon.stop()


@pytest.fixture
async def judged(clamd: Clamd, open_folder: Path) -> Callable[..., Any]:
    """What is said about pieces of these bytes, as they come out of a child."""

    async def judged(*contents: bytes, **odd: Any) -> dict[str, Any]:
        with tempfile.TemporaryFile(dir=open_folder) as spill:
            index: list[tuple[str, int, int]] = []
            for number, content in enumerate(contents):
                index.append((str(number), spill.tell(), len(content)))
                spill.write(content)
            spill.flush()
            files = [{"id": node, "name": ""} for node, _, _ in index]
            return await judge(clamd, {"files": files, "spilled": index} | odd, spill.fileno())

    return judged


@pytest.fixture
def analyze(open_folder: Path) -> Callable[[Clamd, bytes], Any]:
    async def analyze(clamd: Clamd, data: bytes) -> dict[str, Any]:
        sample = open_folder / "sample.bin"
        sample.write_bytes(data)
        async with Sandbox(workers=1, scratch=open_folder, preload=[PRELOAD], ceiling=BUDGET) as sandbox:
            engines = Engines(sandbox, antivirus=clamd, spill_in=open_folder)
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
    with pytest.raises(OutageError, match="clamd"):
        await version(Clamd("127.0.0.1", 9))


async def test_what_it_cannot_look_at_is_said_and_keeps_it_from_nothing_else(judged: Callable[..., Any]) -> None:
    found = await judged(bytes(MOST_BYTES + 1), b"no memory", MARK, b"fine")
    assert [[limit["limit"] for limit in file["limits"]] for file in found["files"]] == [
        ["antivirus-bytes"],
        ["antivirus-failed"],
        [],
        [],
    ]
    assert [file["verdict"] for file in found["files"]] == ["unknown", "unknown", "malicious", "unknown"]


async def test_all_is_the_word_of_one_database_and_names_it(daemon: Daemon, judged: Callable[..., Any]) -> None:
    daemon.renewed_after = 2
    found = await judged(MARK, b"fine", MARK)
    assert found["engines"] == ["clamav/1.4.6/27001"]
    assert [[one["version"] for one in file["reasons"]] for file in found["files"]] == [
        ["1.4.6/27001"],
        [],
        ["1.4.6/27001"],
    ]


async def test_what_it_answers_too_late_is_left_out_and_said(
    daemon: Daemon, judged: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(antivirus, "SECONDS", 2.0)
    daemon.deaf = True
    found = await judged(b"one", b"two")
    assert [[limit["limit"] for limit in file["limits"]] for file in found["files"]] == [["antivirus-time"]] * 2
    assert daemon.asked == ["VERSION", "INSTREAM"]


@pytest.mark.parametrize(
    "odd",
    [
        {"files": [{"id": 5}]},
        {"files": [{}]},
        {"files": 7},
        {"engines": 7},
        {"emails": [{"id": "m", "reasons": 1}]},
        {"spilled": [["0", "x", 1]]},
    ],
)
async def test_what_is_no_result_is_said_before_anything_is_scanned(
    daemon: Daemon, judged: Callable[..., Any], odd: dict[str, Any]
) -> None:
    with pytest.raises(NoResult):
        await judged(MARK, **odd)
    assert daemon.asked == []


async def test_a_database_that_is_seen_to_be_another_is_in_force_at_once(
    clamd: Clamd, daemon: Daemon, open_folder: Path, sandbox: FakeSandbox
) -> None:
    engines = Engines(sandbox, antivirus=clamd, spill_in=open_folder)
    await engines.prepare()
    daemon.database += 1
    sample = open_folder / "sample"
    sample.write_bytes(b"x")
    await engines.analyze(sample, evidence_id="e", name="x", kind="file", passwords=[])
    assert engines.versions[-1] == "clamav/1.4.6/27001"


def test_mail_whose_attachment_is_detected_is_as_bad() -> None:
    file = {"verdict": "unknown", "reasons": [], "limits": [], "name": ""}
    found: dict[str, Any] = {
        "files": [{**file, "id": "m", "parent_id": None}, {**file, "id": "a", "parent_id": "m", "name": "a.bin"}],
        "emails": [{"id": "m", "verdict": "unknown", "reasons": [], "limits": []}],
        "attk_logs": [],
    }
    for one in found["files"]:
        one |= {"reasons": [], "limits": []}
    judged = with_answers(found, {"a": "PUA.Test.Tool", "unheard-of": "X"}, "1")
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
    settings = "StreamMaxLength 2M\n"
    settings += f"Foreground yes\nDatabaseDirectory {signatures}\nTCPSocket {port}\nTCPAddr 127.0.0.1\nUser root\n"
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
            await version(clamd)
            return True
        assert time.monotonic() < deadline, "clamd did not come up"
        await asyncio.sleep(0.2)
    return False


async def test_the_real_daemon_says_the_same(open_folder: Path, analyze: Callable[..., Any]) -> None:
    if (program := shutil.which("clamd")) is None:
        pytest.skip("no clamd on this machine: ClamAV is an option that an operator installs")
    async with real_clamd(open_folder, program) as clamd:
        members = {"bad.bin": b"xx" + MARK, "good.txt": b"hello", "huge": bytes(9_000_000)}
        found = await analyze(clamd, protected_zip(members, "geheim"))
    assert [file["verdict"] for file in found["files"]] == ["malicious", "malicious", "unknown", "unknown"]
    assert [limit["limit"] for limit in found["files"][-1]["limits"]] == ["antivirus-bytes"]
    assert "Own.Test.Family" in found["files"][1]["reasons"][0]["rule"]
