import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from caseway_kit.sandbox import Budget, ParserError, Sandbox, SandboxCrash, SandboxLimit, SandboxUnavailable, scratch
from caseway_kit.sandbox.children import Worker

MakeSandbox = Callable[..., Any]


async def test_a_function_gets_its_arguments_and_returns_its_result(sandbox: Sandbox) -> None:
    assert await sandbox.run("sandbox_parsers:hello", "world") == "hello world"


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, -2.5, None, True], "": {}},
        "ü€😀\x00\u2028",
        "lone \ud800 and \udcff",
        "\ud83d\ude00 two halves, not one",
        2**80,
        ["x" * 3_000_000],
    ],
)
async def test_plain_data_comes_back_exactly(sandbox: Sandbox, value: object) -> None:
    assert await sandbox.run("sandbox_parsers:echo", value) == value


async def test_a_sample_is_readable_in_every_way(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "sample"
    path.write_text("0123")
    path.chmod(0o600)

    seen = await sandbox.run("sandbox_parsers:facts_of", "word", sample=path, budget=Budget(cpu_seconds=7))

    assert seen == {
        "size": 4,
        "read": "0123",
        "seeked": "23",
        "whole": "0123",
        "mapped": "0123",
        "copied": "0123",
        "word": "word",
        "cpu_seconds": 7,
    }


async def test_a_sample_may_be_a_descriptor(sandbox: Sandbox) -> None:
    memory = os.memfd_create("sample")
    os.write(memory, b"abc")

    seen = await sandbox.run("sandbox_parsers:facts_of", "word", sample=memory)

    os.close(memory)
    assert seen["whole"] == "abc"


async def test_an_empty_sample_is_read_too(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    seen = await sandbox.run("sandbox_parsers:facts_of", "word", sample=tmp_path / "empty")
    assert (seen["size"], seen["mapped"], seen["copied"]) == (0, "", "")


async def test_a_fifo_is_no_sample(sandbox: Sandbox, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ValueError, match="regular file"):
        await sandbox.run("sandbox_parsers:hello", sample=tmp_path / "fifo")


async def test_an_exception_is_named_without_its_traceback(sandbox: Sandbox) -> None:
    with pytest.raises(ParserError) as raised:
        await sandbox.run("sandbox_parsers:raise_error", "y" * 9000)
    assert (raised.value.type, raised.value.message) == ("LookupError", "y" * 500)


async def test_an_error_names_no_file(sandbox: Sandbox) -> None:
    with pytest.raises(ParserError) as raised:
        await sandbox.run("sandbox_parsers:open_missing")
    assert "secret-name" not in raised.value.message


@pytest.mark.parametrize(
    ("function", "type_"),
    [
        ("sandbox_parsers:leave", "SystemExit"),
        ("sandbox_parsers:not_plain", "TypeError"),
        ("sandbox_parsers:absent", "AttributeError"),
        ("no_such_module:f", "ModuleNotFoundError"),
    ],
)
async def test_what_is_not_a_result_is_a_parser_error(sandbox: Sandbox, function: str, type_: str) -> None:
    with pytest.raises(ParserError) as raised:
        await sandbox.run(function)
    assert raised.value.type == type_


@pytest.mark.parametrize("function", ["segfault", "abort", "vanish"])
async def test_a_child_that_dies_is_replaced_and_others_are_not_touched(
    make_sandbox: MakeSandbox, function: str
) -> None:
    sandbox = await make_sandbox(workers=2)
    other = asyncio.create_task(sandbox.run("sandbox_parsers:sleep", 0.3))

    with pytest.raises(SandboxCrash) as raised:
        await sandbox.run(f"sandbox_parsers:{function}")

    assert raised.value.signal_name == {"segfault": "SIGSEGV", "abort": "SIGABRT"}.get(
        function, "leaving without an answer"
    )
    assert await other == "slept"
    assert await asyncio.gather(*(sandbox.run("sandbox_parsers:echo", n) for n in range(4))) == [0, 1, 2, 3]


async def test_a_cancelled_run_ends_its_child(sandbox: Sandbox, until_gone: Callable[[int], Awaitable[None]]) -> None:
    child = await sandbox.run("sandbox_parsers:pid")
    run = asyncio.create_task(sandbox.run("sandbox_parsers:spin"))
    await asyncio.sleep(0.05)

    run.cancel()

    with pytest.raises(asyncio.CancelledError):
        await run
    await until_gone(child)
    assert await sandbox.run("sandbox_parsers:hello", "again") == "hello again"


async def test_a_hundred_jobs_at_once_share_the_workers(make_sandbox: MakeSandbox) -> None:
    sandbox = await make_sandbox(workers=3)
    results = await asyncio.gather(*(sandbox.run("sandbox_parsers:echo", n) for n in range(100)))
    assert results == list(range(100))


async def test_a_child_is_recycled_after_its_jobs(make_sandbox: MakeSandbox) -> None:
    sandbox = await make_sandbox(recycle_after=3)
    children = [await sandbox.run("sandbox_parsers:pid") for _ in range(6)]
    assert children[0] == children[2] != children[3] == children[5]


async def test_a_lost_zygote_is_started_again(
    make_sandbox: MakeSandbox, until_gone: Callable[[int], Awaitable[None]]
) -> None:
    sandbox = await make_sandbox(workers=2)
    child = await sandbox.run("sandbox_parsers:pid")
    zygote = parent_of(child)

    os.kill(zygote, 9)

    await until_gone(child)
    deadline = time.monotonic() + 60
    while True:
        try:
            assert await sandbox.run("sandbox_parsers:hello", "again") == "hello again"
        except SandboxUnavailable:
            assert time.monotonic() < deadline
        else:
            break


async def test_a_job_that_waits_hears_that_the_sandbox_is_closed(sandbox: Sandbox) -> None:
    jobs = [asyncio.create_task(sandbox.run("sandbox_parsers:sleep", 60)) for _ in range(3)]
    await asyncio.sleep(0)
    await sandbox.close()
    done, waiting = await asyncio.wait(jobs, timeout=60)
    assert not waiting
    assert {type(job.exception()) for job in done} == {SandboxUnavailable}


async def test_a_child_that_is_tended_while_children_are_renewed_is_not_used_again(
    sandbox: Sandbox, until_gone: Callable[[int], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed, empty = threading.Event(), scratch.empty

    def empty_when_renewed(folder: Path) -> None:
        renewed.wait(60)
        empty(folder)

    old = await sandbox.run("sandbox_parsers:pid")
    monkeypatch.setattr(scratch, "empty", empty_when_renewed)
    await sandbox.run("sandbox_parsers:write", 1 << 20)
    await sandbox.renew(["sandbox_parsers"])
    renewed.set()
    await until_gone(old)
    assert await sandbox.run("sandbox_parsers:hello", "again") == "hello again"


async def test_a_child_that_would_not_end_is_not_used_again(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    fork, failures = sandbox._fork, [SandboxUnavailable("no process")]  # noqa: SLF001

    async def fail_once(slot: int) -> Worker:
        if failures:
            raise failures.pop()
        return await fork(slot)

    monkeypatch.setattr(sandbox, "_fork", fail_once)
    monkeypatch.setattr(Worker, "alive", True)
    with pytest.raises(SandboxLimit):
        await sandbox.run("sandbox_parsers:sleep", 60, budget=Budget(wall_seconds=0.1))
    assert await sandbox.run("sandbox_parsers:hello", "again") == "hello again"
    assert failures == []


async def test_a_helper_process_that_cannot_be_started_is_an_outage(
    make_sandbox: MakeSandbox, open_folder: Path
) -> None:
    (open_folder / "file").touch()
    with pytest.raises(SandboxUnavailable, match="Not a directory"):
        await make_sandbox(scratch=open_folder / "file")


async def test_a_cancelled_renewal_leaves_no_process(
    sandbox: Sandbox, open_folder: Path, until: Callable[[Callable[[], bool]], Awaitable[None]]
) -> None:
    lock = sandbox._zygote_lock  # noqa: SLF001
    async with lock:
        renewal = asyncio.create_task(sandbox.renew(["sandbox_parsers"]))
        await until(lambda: bool(getattr(lock, "_waiters", None)))
        assert len(names_in(open_folder)) == 2
        renewal.cancel()
        await asyncio.wait([renewal])
    assert renewal.cancelled()
    assert len(names_in(open_folder)) == 1
    assert await sandbox.run("sandbox_parsers:hello", "again") == "hello again"


async def test_a_child_whose_folder_was_removed_is_replaced(sandbox: Sandbox, open_folder: Path) -> None:
    old = await sandbox.run("sandbox_parsers:pid")
    [name] = names_in(open_folder)
    (open_folder / name / "0").rmdir()
    assert await sandbox.run("sandbox_parsers:hello", "x") == "hello x"
    assert await sandbox.run("sandbox_parsers:write_and_read_temporary") == "kept"
    assert await sandbox.run("sandbox_parsers:pid") != old


async def test_a_full_disk_says_nothing_about_the_sample(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SandboxLimit) as limit:  # a child may say so; there is space
        await sandbox.run("sandbox_parsers:find_no_space", budget=Budget(written_bytes=1))
    assert limit.value.limit == "written_bytes"
    disk = os.statvfs("/")
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((*disk[:4], 0, *disk[5:])))
    with pytest.raises(SandboxUnavailable, match="no space"):
        await sandbox.run("sandbox_parsers:find_no_space")


async def test_a_module_that_cannot_be_imported_is_named_at_start(make_sandbox: MakeSandbox) -> None:
    with pytest.raises(SandboxUnavailable, match="no_such_module"):
        await make_sandbox(preload=["no_such_module"])


async def test_children_are_born_with_what_was_loaded_and_renewed_while_jobs_run(
    make_sandbox: MakeSandbox, tmp_path: Path
) -> None:
    words = tmp_path / "words"
    words.write_text("first")
    sandbox = await make_sandbox(workers=2, preload=[("sandbox_parsers:load", str(words))])
    assert await sandbox.run("sandbox_parsers:born_with") == ["first"]
    at_work = asyncio.create_task(sandbox.run("sandbox_parsers:wait_and_tell", 2))
    words.write_text("second")
    await sandbox.renew([("sandbox_parsers:load", str(words))])
    assert [await sandbox.run("sandbox_parsers:born_with") for _ in range(3)] == [["second"]] * 3
    assert await at_work == ["first"]
    assert await asyncio.gather(*(sandbox.run("sandbox_parsers:born_with") for _ in range(4))) == [["second"]] * 4


async def test_what_cannot_be_loaded_leaves_the_children_as_they_were(
    make_sandbox: MakeSandbox, tmp_path: Path
) -> None:
    words = tmp_path / "words"
    words.write_text("first")
    sandbox = await make_sandbox(preload=[("sandbox_parsers:load", str(words))])
    with pytest.raises(SandboxUnavailable, match="FileNotFoundError"):
        await sandbox.renew([("sandbox_parsers:load", str(tmp_path / "none"))])
    assert await sandbox.run("sandbox_parsers:born_with") == ["first"]


async def test_a_closed_sandbox_takes_no_job_and_leaves_nothing_on_disk(
    make_sandbox: MakeSandbox, open_folder: Path
) -> None:
    sandbox = await make_sandbox()
    await sandbox.close()
    with pytest.raises(SandboxUnavailable):
        await sandbox.run("sandbox_parsers:hello", "x")
    assert names_in(open_folder) == []


@pytest.fixture
def left_behind(open_folder: Path) -> Path:
    folder = open_folder / "sandbox-4194305-0" / "3"  # no process has so high a number
    folder.mkdir(parents=True)
    (folder / "sample").touch()
    return folder


async def test_folders_of_a_killed_service_are_removed(make_sandbox: MakeSandbox, left_behind: Path) -> None:
    await make_sandbox()
    assert left_behind.parent.name not in names_in(left_behind.parent.parent)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_function_may_write_to_the_file_that_it_was_given(sandbox: Sandbox, tmp_path: Path) -> None:
    sample, output = tmp_path / "sample", tmp_path / "output"
    sample.write_bytes(b"abc")
    with output.open("wb") as file:
        assert await sandbox.run("sandbox_parsers:double", sample=sample, output=file.fileno()) == 6
    assert output.read_bytes() == b"abcabc"


async def test_what_is_written_to_the_given_file_has_its_limit(sandbox: Sandbox, tmp_path: Path) -> None:
    sample = tmp_path / "sample"
    sample.write_bytes(bytes(1_000_000))
    with (tmp_path / "output").open("wb") as file, pytest.raises(SandboxLimit) as limit:
        await sandbox.run(
            "sandbox_parsers:double", sample=sample, output=file.fileno(), budget=Budget(written_bytes=1_500_000)
        )
    assert limit.value.limit == "written_bytes"
