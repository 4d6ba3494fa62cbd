"""One Kafka and one MongoDB for a whole test run, however many processes run its tests.

The first test that needs a part starts a *holder* for it (``python -m caseway_kit.testing.parts``),
a process of its own that outlives single pytest workers. It ends with the run: told so when pytest
ends, also by Ctrl-C, and by itself when pytest is gone without a word.

A holder takes a container where an engine runs and has the image already, else the embedded part.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

RUN_VARIABLE = "CASEWAY_TEST_RUN"
OWNER_VARIABLE = "CASEWAY_TEST_OWNER"
START_DEADLINE = 300.0

KAFKA_IMAGE = "apache/kafka:4.3.0"
MONGO_IMAGE = "mongo:7.0"


class TestRun:
    """What the processes of one test run share: a folder, named by the environment."""

    __test__ = False  # pytest: a class of the plugin, not of the tests

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def begin(cls) -> "TestRun":
        """For the process that pytest was called as; workers find the run in their environment."""
        run = cls(Path(tempfile.mkdtemp(prefix="caseway-tests-")))
        os.environ[RUN_VARIABLE] = str(run.folder)
        os.environ[OWNER_VARIABLE] = str(os.getpid())
        return run

    @classmethod
    def current(cls) -> "TestRun":
        return cls(Path(os.environ[RUN_VARIABLE]))

    def address_of(self, part: str) -> str:
        """Starts the part unless another process of this run has done so."""
        address, failure = self.folder / f"{part}.address", self.folder / f"{part}.failure"
        with (self.folder / f"{part}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not address.exists() and not failure.exists():
                self._start(part)
        if not address.exists():
            raise RuntimeError(f"{part} for the tests can't be started: {failure.read_text()}")
        return address.read_text()

    def _start(self, part: str) -> None:
        log = str(self.folder / f"{part}.log")
        # Not subprocess: its object would complain that the holder outlives it, which is the point.
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "caseway_kit.testing.parts", part, str(self.folder), os.environ[OWNER_VARIABLE]],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        (self.folder / f"{part}.pid").write_text(str(pid))
        deadline = time.monotonic() + START_DEADLINE
        while not (self.folder / f"{part}.address").exists():
            died = os.waitpid(pid, os.WNOHANG)[0] == pid
            if died or time.monotonic() > deadline:
                reason = Path(log).read_text()[-2000:]
                (self.folder / f"{part}.failure").write_text(reason)
                return
            time.sleep(0.05)

    def end(self) -> None:
        """Stops what this run has started and waits until it is gone."""
        for file in self.folder.glob("*.pid"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(file.read_text()), signal.SIGTERM)
        for file in self.folder.glob("*.pid"):
            with file.with_suffix(".alive").open("w") as alive:
                fcntl.flock(alive, fcntl.LOCK_EX)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(int(file.read_text()), 0)
        shutil.rmtree(self.folder, ignore_errors=True)
        del os.environ[RUN_VARIABLE], os.environ[OWNER_VARIABLE]


async def hold(part: str, folder: Path, owner: int) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    watch = os.pidfd_open(owner)
    loop.add_reader(watch, over.set)
    orphaned = asyncio.create_task(over.wait())
    async with contextlib.AsyncExitStack() as stack:
        started = asyncio.create_task(stack.enter_async_context(started_part(part, folder)))
        await asyncio.wait({started, orphaned}, return_when=asyncio.FIRST_COMPLETED)
        if started.done():
            draft = folder / f".{part}.address"
            draft.write_text(started.result())
            draft.rename(folder / f"{part}.address")
            await orphaned
        else:
            started.cancel()
            await asyncio.gather(started, return_exceptions=True)
    loop.remove_reader(watch)
    os.close(watch)


@contextlib.asynccontextmanager
async def started_part(part: str, folder: Path) -> AsyncIterator[str]:
    image = {"kafka": KAFKA_IMAGE, "mongo": MONGO_IMAGE}[part]
    if _image_exists(image):
        with _container(part, image) as address:
            yield address
        return
    async with _embedded(part, folder / part) as address:
        yield address


@contextlib.asynccontextmanager
async def _embedded(part: str, folder: Path) -> AsyncIterator[str]:
    # The one place where the kit knows of the embedded system: fixtures, never a service.
    from caseway_embedded.data_dir import DataDir
    from caseway_embedded.keeper import Keeper
    from caseway_embedded.parts.kafka import Kafka
    from caseway_embedded.parts.mongod import Mongod

    data = DataDir(folder)
    data.create()
    started = Kafka(data) if part == "kafka" else Mongod(data, services=())
    keeper = Keeper(started, lambda name, what, detail: print(name, what, detail, flush=True))  # noqa: T201 - a log
    try:
        await keeper.start(START_DEADLINE)
        yield started.address if isinstance(started, Kafka) else started.admin_url()
    finally:
        await keeper.stop()


def _image_exists(image: str) -> bool:
    """Never pulls: a machine without the image would wait for minutes, or for ever."""
    if not os.environ.get("DOCKER_HOST") and not Path("/var/run/docker.sock").exists():
        return False
    try:
        from testcontainers.core.docker_client import DockerClient

        DockerClient(timeout=3).client.images.get(image)
    except Exception:  # no engine, no right to use it, no image: all the same to a test run
        return False
    return True


@contextlib.contextmanager
def _container(part: str, image: str) -> Iterator[str]:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import wait_for_logs

    port = 20_000 + secrets.randbelow(12_000)
    container = DockerContainer(image).with_bind_ports(port, port)
    if part == "kafka":
        for key, value in _kafka_environment(port).items():
            container = container.with_env(key, value)
        with container:
            wait_for_logs(container, "Kafka Server started", timeout=60)
            yield f"127.0.0.1:{port}"
        return
    # testcontainers' own MongoDB has no replica set, and without one there are no majority writes.
    container = container.with_command(f"--replSet tests --bind_ip_all --port {port}")
    with container:
        wait_for_logs(container, "Waiting for connections", timeout=60)
        member = f"{{_id: 'tests', members: [{{_id: 0, host: '127.0.0.1:{port}'}}]}}"
        container.exec(["mongosh", "--port", str(port), "--quiet", "--eval", f"rs.initiate({member})"])
        yield f"mongodb://127.0.0.1:{port}/?replicaSet=tests"


def _kafka_environment(port: int) -> dict[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }


def main() -> None:
    part, folder, owner = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    with (folder / f"{part}.alive").open("w") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        asyncio.run(hold(part, folder, owner))
    if not Path(f"/proc/{owner}").exists():  # killed: nobody else is left to clear up
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
