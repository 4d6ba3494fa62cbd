import asyncio
import base64
import os
import sys
import uuid
from pathlib import Path

from caseway_embedded.data_dir import DataDir, StackError, write_atomically
from caseway_embedded.parts import kafka_jars
from caseway_embedded.parts.base import Part
from caseway_embedded.processes import Command, Process, last_lines

# ApiVersions, version 0: the one request that every broker answers to everybody.
API_VERSIONS = bytes.fromhex("0000000a 0012 0000 0000cafe ffff".replace(" ", ""))


def server_properties(logs: Path, port: int, controller_port: int) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": logs,
        "auto.create.topics.enable": "false",
        "log.retention.ms": -1,
        "log.retention.bytes": -1,
        # A group's offsets have to outlive a laptop that stays closed over the holidays.
        "offsets.retention.minutes": 5_256_000,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 8,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # Nobody to wait for: a service is one process here, and starts would take 3 s longer.
        "group.initial.rebalance.delay.ms": 0,
        "min.insync.replicas": 1,
        # After a kill -9 the controller refuses the broker until its former life's session is over.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


class Kafka(Part):
    stop_grace = 30

    def __init__(self, data: DataDir) -> None:
        super().__init__("kafka", data, data.port("kafka"))
        self._controller_port = data.port("kafka-controller")
        self._folder = data.folder("kafka")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def prepare(self) -> None:
        if not (kafka_jars.present() and kafka_jars.archive().exists()):
            await self._once([sys.executable, "-m", "caseway_embedded.parts.kafka_jars"])
        logs = self._folder / "log"
        write_atomically(self._settings, server_properties(logs, self.port, self._controller_port))
        if not (logs / "meta.properties").exists():
            # A leading dash would be taken for an option.
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
            storage = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster]
            await self._once([*kafka_jars.jvm(), *storage, "-c", str(self._settings)])

    def command(self) -> Command:
        return Command([*kafka_jars.jvm(), "kafka.Kafka", str(self._settings)], env=os.environ, cwd=self._folder)

    async def ready(self) -> bool:
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(API_VERSIONS)
                    answer = await reader.readexactly(8)
                finally:
                    writer.close()
                    await writer.wait_closed()
        except (OSError, EOFError, TimeoutError):
            return False
        return answer[4:] == API_VERSIONS[8:12]

    @property
    def _settings(self) -> Path:
        return self._folder / "server.properties"

    async def _once(self, argv: list[str]) -> None:
        log = self.data.log("kafka-setup")
        process = await Process.start(Command(argv, env=os.environ, cwd=self._folder), log)
        try:
            code = await process.wait()
        finally:
            await process.stop(0)
        if code:
            raise StackError(f"Kafka could not be prepared:\n{last_lines(log)}")
