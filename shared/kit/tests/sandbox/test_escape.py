"""What a parser does that was taken over by its sample (catalogue row S22).

Each attack runs under all layers, and again with some switched off, so that it is known which layer holds. A layer
that this machine lacks is named in the skip.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from caseway_kit.sandbox import Isolation, ParserError, Sandbox, SandboxCrash
from caseway_kit.sandbox.children import ENVIRONMENT

MakeSandbox = Callable[..., Any]
SECCOMP_ALONE = {"namespaces", "landlock", "uid"}


@pytest.fixture(params=[set(), SECCOMP_ALONE], ids=["all layers", "seccomp alone"])
async def walled(request: pytest.FixtureRequest, make_sandbox: MakeSandbox) -> Sandbox:
    made: Sandbox = await make_sandbox(skip_layers=request.param)
    assert made.isolation.seccomp
    return made


@pytest.fixture(
    params=[
        ("own_root", {"landlock", "uid"}),
        ("landlock_abi", {"namespaces", "uid"}),
        ("switched_uid", {"namespaces", "landlock"}),
    ],
    ids=["own root alone", "Landlock alone", "user id alone"],
)
async def hidden(request: pytest.FixtureRequest, make_sandbox: MakeSandbox) -> Sandbox:
    """A sandbox in which one layer by itself must keep other people's files away."""
    layer, skipped = request.param
    made: Sandbox = await make_sandbox(workers=2, skip_layers=skipped)
    if not getattr(made.isolation, layer):
        pytest.skip(f"this machine has no {layer}; what holds here: {made.isolation.sentences()}")
    return made


@pytest.fixture
def start_without(open_folder: Path) -> Callable[[str], list[str]]:
    """Starts a sandbox on a machine that forbids something; what that sandbox said."""

    def start(forbidden: str) -> list[str]:
        script = Path(__file__).with_name("start_under_filter.py")
        done = subprocess.run([sys.executable, script, open_folder, forbidden], capture_output=True, check=True)
        return done.stdout.decode().splitlines()

    return start


@pytest.fixture
def parent_of_spinning_children(open_folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    script = Path(__file__).with_name("spin_until_killed.py")
    with subprocess.Popen([sys.executable, script, open_folder], stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("attack", ["start_processes", "start_programs", "open_sockets", "change_system"])
async def test_no_processes_programs_sockets_or_changes(walled: Sandbox, attack: str) -> None:
    assert await walled.run(f"sandbox_parsers:{attack}") == []


async def test_nothing_is_reached_by_the_network(walled: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert await walled.run("sandbox_parsers:connect_to", server.getsockname()[1]) == []


async def test_the_parent_is_neither_traced_nor_signalled(walled: Sandbox) -> None:
    assert await walled.run("sandbox_parsers:touch_process", os.getpid()) == []


async def test_another_child_is_neither_traced_nor_signalled(make_sandbox: MakeSandbox) -> None:
    sandbox = await make_sandbox(workers=2)
    children = [int(pid) for pid in children_of(await sandbox.run("sandbox_parsers:parent"))]
    assert len(children) == 2
    async with at_work(sandbox, "sandbox_parsers:sleep", 60):
        for child in children:
            if child != await sandbox.run("sandbox_parsers:pid"):
                assert await sandbox.run("sandbox_parsers:touch_process", child) == []


async def test_the_environment_holds_nothing_of_the_parent(
    make_sandbox: MakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASEWAY_MONGO", "mongodb://user:secret@host")
    sandbox = await make_sandbox()
    seen = await sandbox.run("sandbox_parsers:environment")
    assert set(seen) <= {"LC_CTYPE", "TMPDIR", "HOME", *ENVIRONMENT}


async def test_the_parents_environment_and_memory_cannot_be_read(hidden: Sandbox) -> None:
    for name in ("environ", "mem", "maps", "fd/0", "root/etc/hostname", "cwd/pyproject.toml"):
        with pytest.raises(ParserError, match=r"denied|No such file"):
            await hidden.run("sandbox_parsers:read", f"/proc/{os.getppid()}/{name}")
        with pytest.raises(ParserError, match=r"denied|No such file"):
            await hidden.run("sandbox_parsers:read", f"/proc/{os.getpid()}/{name}")


async def test_the_parents_memory_is_closed_even_where_seccomp_is_alone(walled: Sandbox) -> None:
    for name in ("environ", "mem", "maps"):
        for pid in (os.getpid(), *children_of(os.getpid())):
            with pytest.raises(ParserError, match=r"denied|No such file"):
                await walled.run("sandbox_parsers:read", f"/proc/{pid}/{name}")


async def test_the_log_says_which_layers_hold(walled: Sandbox) -> None:
    said = " ".join(walled.isolation.sentences())
    for layer in ("seccomp", "network namespace", "root", "Landlock", "user id"):
        assert layer in said or "without namespaces" in said


async def test_a_private_file_of_the_parent_cannot_be_read(hidden: Sandbox, open_folder: Path) -> None:
    secret = open_folder / "secret"
    secret.write_text("token")
    secret.chmod(0o600)
    with pytest.raises(ParserError, match=r"denied|No such file"):
        await hidden.run("sandbox_parsers:read", str(secret))


async def test_a_job_cannot_look_into_the_folder_of_another(
    hidden: Sandbox, open_folder: Path, until: Callable[[Callable[[], bool]], Awaitable[None]]
) -> None:
    if not hidden.isolation.landlock_abi and not hidden.isolation.switched_uid:
        pytest.skip("a root of its own is shared by the children; Landlock and the user id part them")
    async with at_work(hidden, "sandbox_parsers:keep_secret_here"):
        await until(lambda: bool(list(open_folder.glob("sandbox-*/*/secret"))))
        other = await hidden.run("sandbox_parsers:where")
        theirs = Path(other).parent / ("0" if other.endswith("/1") else "1") / "secret"
        with pytest.raises(ParserError, match="denied"):
            await hidden.run("sandbox_parsers:read", str(theirs))


@pytest.mark.parametrize("place", ["{tmp}/new", "/tmp/new", "/dev/shm/new", "{tests}/new", "{python}/new", "/etc/new"])
async def test_nothing_is_written_outside(hidden: Sandbox, open_folder: Path, place: str) -> None:
    if place in ("/tmp/new", "/dev/shm/new") and not paths_are_hidden(hidden.isolation):
        pytest.skip("a folder that everybody may write to is kept away by Landlock or a root of its own only")
    path = place.format(tmp=open_folder, tests=Path(__file__).parent, python=sys.prefix)
    with pytest.raises(ParserError, match=r"denied|No such file|Read-only"):
        await hidden.run("sandbox_parsers:overwrite", path)
    assert not exists(path)


async def test_a_sample_cannot_be_changed(walled: Sandbox, open_folder: Path) -> None:
    sample = open_folder / "sample"
    sample.write_text("untouched")
    if not paths_are_hidden(walled.isolation) and not walled.isolation.switched_uid:
        pytest.skip("with seccomp alone a child of the same user may open the sample's path again")
    assert await walled.run("sandbox_parsers:overwrite_sample", sample=sample) == []
    assert sample.read_text() == "untouched"


async def test_no_core_is_dumped_and_nothing_is_inherited(walled: Sandbox, open_folder: Path) -> None:
    held = await walled.run("sandbox_parsers:signals_held")
    assert held == {"dumpable": 0, "core": [0, 0], "leader": True, "descriptors": [0, 1, 2, 3, 4]}
    with pytest.raises(SandboxCrash) as raised:
        await walled.run("sandbox_parsers:abort")
    assert raised.value.signal == signal.SIGABRT
    assert not cores_in(open_folder)


async def test_threads_still_work(walled: Sandbox) -> None:
    assert await walled.run("sandbox_parsers:start_thread") == 2


@pytest.mark.parametrize("skipped", [{"namespaces"}, {"namespaces", "landlock"}], ids=["Landlock", "no Landlock"])
async def test_folders_that_the_childs_user_cannot_walk_to_are_reached_all_the_same(
    make_sandbox: MakeSandbox, open_folder: Path, skipped: set[str]
) -> None:
    closed = open_folder / "closed"
    (closed / "modules" / "late_package").mkdir(parents=True)
    (closed / "modules" / "late_package" / "__init__.py").touch()
    (closed / "modules" / "late_package" / "inner.py").write_text("def f() -> str:\n    return 'found'\n")
    (closed / "scratch").mkdir()
    closed.chmod(0o700)
    sandbox = await make_sandbox(
        scratch=closed / "scratch",
        paths=[Path(__file__).parent, closed / "modules"],
        preload=["late_package"],
        skip_layers=skipped,
    )
    assert await sandbox.run("late_package.inner:f") == "found"
    assert await sandbox.run("xml.sax.saxutils:escape", "<") == "&lt;"
    assert await sandbox.run("sandbox_parsers:write_and_read_temporary") == "kept"


async def test_a_library_may_be_imported_late(sandbox: Sandbox) -> None:
    assert await sandbox.run("xml.sax.saxutils:escape", "<") == "&lt;"


def test_no_parser_runs_where_the_kernel_takes_no_filter(start_without: Callable[[str], list[str]]) -> None:
    [sentence] = start_without("seccomp")
    assert "the kernel took no seccomp filter" in sentence


def test_a_container_without_namespaces_and_landlock_still_holds(start_without: Callable[[str], list[str]]) -> None:
    greeting, sockets, *layers = start_without("container")
    assert (greeting, sockets) == ("hello world", "[]")
    assert any(
        layer.startswith("without network namespace: Operation not") or "user namespace" in layer for layer in layers
    )
    assert any(layer.startswith("without Landlock") for layer in layers)


async def test_children_die_with_a_killed_parent(
    parent_of_spinning_children: subprocess.Popen[bytes], until_gone: Callable[[int], Awaitable[None]]
) -> None:
    assert parent_of_spinning_children.stdout is not None
    children = [int(pid) for pid in parent_of_spinning_children.stdout.readline().split()]
    assert len(children) == 2

    parent_of_spinning_children.kill()

    for child in children:
        await until_gone(child)


@asynccontextmanager
async def at_work(sandbox: Sandbox, function: str, *args: object) -> AsyncIterator[None]:
    job = asyncio.create_task(sandbox.run(function, *args))
    await asyncio.sleep(0)  # it has taken its child now
    yield
    assert not job.done()
    job.cancel()
    await asyncio.wait([job])


def children_of(pid: int | str) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def exists(path: str) -> bool:
    return Path(path).exists()


def cores_in(folder: Path) -> list[Path]:
    return list(folder.rglob("core*"))


def paths_are_hidden(isolation: Isolation) -> bool:
    return isolation.own_root or isolation.landlock_abi > 0
