"""Where the operator's commands find Kafka and MongoDB: the environment, or the embedded system's own folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from caseway_embedded.cli.client import FAILURE, stop
from caseway_embedded.data_dir import DataDir


@dataclass(frozen=True)
class Backstage:
    kafka: str
    mongo: str
    """A user that may read every service's database."""


def backstage(data: Path) -> Backstage:
    from caseway_embedded.parts.mongod import Mongod

    kafka, mongo = os.environ.get("CASEWAY_KAFKA"), os.environ.get("CASEWAY_MONGO")
    if kafka and mongo:
        return Backstage(kafka, mongo)
    folder = DataDir(data)
    part = folder.state().get("parts", {}).get("kafka") if folder.holder() is not None else None
    if part is None:
        stop(f"Nothing runs in {folder.root}, and CASEWAY_KAFKA and CASEWAY_MONGO are not set.", FAILURE)
    return Backstage(f"127.0.0.1:{part['port']}", Mongod(folder, ()).admin_url())
