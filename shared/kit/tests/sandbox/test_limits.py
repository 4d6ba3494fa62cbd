import asyncio
import contextlib
import os
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from caseway_kit.sandbox import MIB, Budget, Sandbox, SandboxCrash, SandboxLimit

MakeSandbox = Callable[..., Any]


async def limit_of(sandbox: Sandbox, function: str, *args: object, budget: Budget) -> str:
    with pytest.raises(SandboxLimit) as raised:
        await sandbox.run(f"sandbox_parsers:{function}", *args, budget=budget)
    return raised.value.limit


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_wall_clock(sandbox: Sandbox) -> None:
    before = time.monotonic()
    assert await limit_of(sandbox, "sleep", 60, budget=Budget(wall_seconds=0.3)) == "wall_seconds"
    assert time.monotonic() - before < 30
    assert await sandbox.run("sandbox_parsers:hello", "again") == "hello again"


async def test_wall_clock_in_a_task_that_was_cancelled_once(sandbox: Sandbox) -> None:
    """Before Python 3.11.3 asyncio's own timeout ends such a task."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
    assert task.cancelling()
    assert await limit_of(sandbox, "sleep", 60, budget=Budget(wall_seconds=0.3)) == "wall_seconds"
    task.uncancel()


async def test_closed_at_once_after_a_limit_it_leaves_nothing_open(make_sandbox: MakeSandbox) -> None:
    before = open_files()
    sandbox = await make_sandbox()
    assert await limit_of(sandbox, "sleep", 60, budget=Budget(wall_seconds=0.1)) == "wall_seconds"
    await sandbox.close()
    assert open_files() == before


@pytest.mark.parametrize("function", ["spin", "spin_unlimited"])
async def test_cpu_time(sandbox: Sandbox, function: str) -> None:
    assert await limit_of(sandbox, function, budget=Budget(wall_seconds=20, cpu_seconds=0.5)) == "cpu_seconds"


async def test_cpu_time_is_counted_per_job(sandbox: Sandbox) -> None:
    for _ in range(2):
        with pytest.raises(SandboxLimit):
            await sandbox.run("sandbox_parsers:spin", budget=Budget(cpu_seconds=0.3))
    assert await sandbox.run("sandbox_parsers:hello", "again", budget=Budget(cpu_seconds=0.3)) == "hello again"


@pytest.mark.parametrize("function", ["take_memory", "take_memory_unlimited", "take_shared_memory"])
async def test_ten_gigabytes_of_memory(sandbox: Sandbox, function: str) -> None:
    assert await limit_of(sandbox, function, 10 << 30, budget=Budget()) == "memory_bytes"


async def test_memory_within_the_budget_is_given(sandbox: Sandbox) -> None:
    for _ in range(3):
        assert await sandbox.run("sandbox_parsers:take_memory", 400 * MIB) == 400 * MIB


async def test_a_smaller_memory_budget_holds(sandbox: Sandbox) -> None:
    assert await limit_of(sandbox, "take_memory", 64 * MIB, budget=Budget(memory_bytes=32 * MIB)) == "memory_bytes"


async def test_a_result_that_is_too_large(sandbox: Sandbox) -> None:
    assert await limit_of(sandbox, "large", 2 * MIB, budget=Budget(result_bytes=MIB)) == "result_bytes"


async def test_ten_gigabytes_in_one_file(sandbox: Sandbox) -> None:
    assert await limit_of(sandbox, "write", 10 << 30, budget=Budget()) == "written_bytes"


async def test_many_files_that_are_too_much_together(sandbox: Sandbox) -> None:
    budget = Budget(written_bytes=8 * MIB)
    assert await limit_of(sandbox, "write_many", 5, 4 * MIB, budget=budget) == "written_bytes"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the nameless files of a child; each is limited by itself")
async def test_files_without_a_name_count_too(sandbox: Sandbox) -> None:
    budget = Budget(written_bytes=8 * MIB)
    assert await limit_of(sandbox, "write_nameless", 5, 4 * MIB, budget=budget) == "written_bytes"


async def test_what_is_given_out_is_not_counted_with_what_is_kept(sandbox: Sandbox) -> None:
    budget = Budget(written_bytes=8 * MIB)
    with tempfile.TemporaryFile() as output:
        await sandbox.run("sandbox_parsers:write_nameless_and_give", 6 * MIB, output=output.fileno(), budget=budget)
        assert os.fstat(output.fileno()).st_size == 6 * MIB


async def test_a_great_many_empty_files(sandbox: Sandbox) -> None:
    assert await limit_of(sandbox, "write_many", 11_000, 0, budget=Budget()) == "written_bytes"


async def test_a_million_open_files(sandbox: Sandbox) -> None:
    assert await limit_of(sandbox, "open_many", 1_000_000, budget=Budget()) == "files"
    assert await sandbox.run("sandbox_parsers:open_many", 60) == 60


async def test_thousands_of_threads(sandbox: Sandbox) -> None:
    assert 1 < await sandbox.run("sandbox_parsers:start_many_threads", 3000) < 2000


async def test_no_budget_above_the_ceiling(make_sandbox: MakeSandbox) -> None:
    sandbox = await make_sandbox(ceiling=Budget(memory_bytes=64 * MIB))
    with pytest.raises(ValueError, match="ceiling"):
        await sandbox.run("sandbox_parsers:hello", "x", budget=Budget())


async def test_hard_limits_cannot_be_raised(sandbox: Sandbox) -> None:
    assert await sandbox.run("sandbox_parsers:raise_limits") == []


async def test_a_job_finds_an_empty_folder_whatever_the_last_one_left(sandbox: Sandbox) -> None:
    await sandbox.run("sandbox_parsers:leave_deep_folders", 3000)
    assert await sandbox.run("sandbox_parsers:hello", "x") == "hello x"
    assert await sandbox.run("sandbox_parsers:names_here") == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("\x00\x00\x00\x05junk!", "no plain data"),
        ('\x00\x00\x00\x04"ok"', "no plain data"),
        ('\x00\x00\x00\x09{"ok":NaN}', "no plain data"),
        ('\x00\x00\x00\x0d{"limit":"no"}', "no plain data"),
        ('\x00\x00\x00\x0e{"limit":"no"}', "none"),
        ('\x00\x00\x00\x0b{"ok":"hi"}', "none"),
        ("\x00\x00\x27\x10" + "[" * 10_000, "no plain data"),
    ],
)
async def test_a_lying_child_is_a_crash(sandbox: Sandbox, data: str, says: str) -> None:
    with pytest.raises(SandboxCrash, match=says):
        await sandbox.run("sandbox_parsers:answer", data)
    assert await sandbox.run("sandbox_parsers:hello", "again") == "hello again"


async def test_an_announced_gigabyte_is_not_waited_for(sandbox: Sandbox) -> None:
    assert await limit_of(sandbox, "answer", "\x40\x00\x00\x00", budget=Budget()) == "result_bytes"


async def test_millions_of_tiny_values_do_not_grow_the_parent(sandbox: Sandbox) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(SandboxCrash, match="values"):
            await sandbox.run("sandbox_parsers:tiny_values", 4_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 80 * MIB  # the text itself thrice; parsed it would be 250 and more


async def test_a_child_that_works_on_after_its_answer_is_replaced(
    sandbox: Sandbox, until_gone: Callable[[int], Awaitable[None]]
) -> None:
    child = await sandbox.run("sandbox_parsers:leave_spinning_thread")
    await until_gone(child)
    assert await sandbox.run("sandbox_parsers:pid") != child
