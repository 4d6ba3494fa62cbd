"""Fixtures for every member's tests; pytest loads them by the kit's entry point."""

import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from caseway_kit.testing.parts import RUN_VARIABLE, TestRun
from caseway_kit.testing.ports import held_port
from caseway_kit.testing.topics import Topics

if TYPE_CHECKING:
    from pymongo import MongoClient

    from caseway_kit.mongo import Database, Driver
    from caseway_kit.testing.issuer import Issuer
    from caseway_kit.testing.service_process import MakeService
    from caseway_kit.testing.topic_log import OpenLog

RUN = pytest.StashKey[TestRun]()


def pytest_configure(config: pytest.Config) -> None:
    # Structlog's own default draws every exception with the values of its variables, for seconds.
    structlog.configure(processors=[structlog.processors.KeyValueRenderer(key_order=["event"])])
    if RUN_VARIABLE not in os.environ:
        config.stash[RUN] = TestRun.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    if run := config.stash.get(RUN, None):
        run.end()


@pytest.fixture(scope="session")
def kafka_address() -> str:
    """A real Kafka, the same for the whole run: ``CASEWAY_TEST_KAFKA``, a container, or the embedded one."""
    return os.environ.get("CASEWAY_TEST_KAFKA") or TestRun.current().address_of("kafka")


@pytest.fixture(scope="session")
def mongo_url() -> str:
    """A real replica set, the same for the whole run: ``CASEWAY_TEST_MONGO``, a container, or the embedded one."""
    return os.environ.get("CASEWAY_TEST_MONGO") or TestRun.current().address_of("mongo")


@pytest.fixture
def topics(kafka_address: str) -> Topics:
    return Topics(kafka_address)


@pytest.fixture(scope="session")
def _mongo_admin(mongo_url: str) -> "Iterator[MongoClient[dict[str, Any]]]":
    from pymongo import MongoClient

    with MongoClient[dict[str, Any]](mongo_url) as client:
        yield client


@pytest.fixture
def mongo_database(_mongo_admin: "MongoClient[dict[str, Any]]") -> Iterator[str]:
    """The name of a database that is this test's alone and goes with it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield name
    _mongo_admin.drop_database(name)


@pytest.fixture
async def database(mongo_url: str, mongo_database: str) -> "AsyncIterator[Database]":
    """The same database through the kit, with the driver of ``CASEWAY_MONGO_DRIVER``."""
    from caseway_kit.mongo import connect

    driver: Driver = "pymongo" if os.environ.get("CASEWAY_MONGO_DRIVER") == "pymongo" else "motor"
    mongo = connect(mongo_url, app_name="tests", driver=driver)
    yield mongo.database(mongo_database)
    await mongo.close()


@contextmanager
def _open_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="caseway-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach, also those that the sandbox's children run as; pytest's own are closed."""
    with _open_folder() as folder:
        yield folder


@pytest.fixture
def port() -> Iterator[int]:
    """A port that nobody else is given before the test ends."""
    with held_port() as port:
        yield port


@pytest.fixture(scope="module")
def issuer() -> "Iterator[Issuer]":
    from caseway_kit.testing.issuer import Issuer

    with Issuer.running() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def make_service(
    kafka_address: str,
    mongo_url: str,
    _mongo_admin: "MongoClient[dict[str, Any]]",
) -> "Iterator[MakeService]":
    """Makes a service that the tests of a module share, on topics and a database without anything of earlier modules;
    a test says by ``start`` what it needs it to run with."""
    from caseway_kit.testing.service_process import ServiceProcess

    with ExitStack() as at_end:

        def make(name: str, **environment: str) -> ServiceProcess:
            Topics(kafka_address).exact()
            package = name.replace("-", "_")
            _mongo_admin.drop_database(package)
            at_end.callback(_mongo_admin.drop_database, package)
            parts = {"CASEWAY_KAFKA": kafka_address, "CASEWAY_MONGO": mongo_url}
            settings = {"CASEWAY_REGION": "01", "CASEWAY_TESTING": "1"}
            service = ServiceProcess(
                package,
                port=at_end.enter_context(held_port()),
                folder=at_end.enter_context(_open_folder()),
                environment=parts | settings | environment,
            )
            at_end.callback(service.stop)
            return service

        yield make


@pytest.fixture
async def open_log(kafka_address: str) -> "AsyncIterator[OpenLog]":
    """Opens topics to state events on and to see what is stated."""
    from caseway_kit.testing.topic_log import TopicLog

    async with AsyncExitStack() as opened:

        async def open_log(topic: str) -> TopicLog:
            return await opened.enter_async_context(TopicLog.opened(kafka_address, topic))

        yield open_log
