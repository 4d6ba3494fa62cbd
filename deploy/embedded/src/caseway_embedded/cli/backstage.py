"""Where the operator's commands find Kafka and MongoDB: the environment, or the embedded system's own folder."""

import asyncio
import os
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from caseway_embedded.cli.client import FAILURE, stop
from caseway_embedded.data_dir import DataDir

Result = TypeVar("Result")


@dataclass(frozen=True)
class Backstage:
    kafka: str
    mongo: str
    """A user that may read every service's database."""


def backstage(data: Path) -> Backstage:
    from caseway_embedded.parts.mongod import admin_url

    kafka, mongo = os.environ.get("CASEWAY_KAFKA"), os.environ.get("CASEWAY_MONGO")
    if kafka and mongo:
        return Backstage(kafka, mongo)
    folder = DataDir(data)
    parts = folder.state()["parts"] if folder.holder() is not None else {}
    if not {"kafka", "mongo"} <= parts.keys():
        stop(f"Nothing runs in {folder.root}, and CASEWAY_KAFKA and CASEWAY_MONGO are not set.", FAILURE)
    return Backstage(f"127.0.0.1:{parts['kafka']['port']}", admin_url(folder, parts["mongo"]["port"]))


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run what talks to Kafka and MongoDB; where one of them does not answer, say so and end."""
    from aiokafka.errors import KafkaError
    from pymongo.errors import PyMongoError

    try:
        return asyncio.run(work)
    except (KafkaError, PyMongoError) as error:
        stop(f"Kafka or MongoDB does not answer: {error}", FAILURE)
