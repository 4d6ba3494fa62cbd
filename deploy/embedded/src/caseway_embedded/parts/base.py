from abc import ABC, abstractmethod

from caseway_embedded.data_dir import DataDir
from caseway_embedded.processes import Command, Process


class Part(ABC):
    """A process of the system: how it is prepared, started, found ready and stopped."""

    stop_grace: float = 15

    def __init__(self, name: str, data: DataDir, port: int) -> None:
        self.name = name
        self.data = data
        self.port = port
        self.process: Process | None = None

    async def prepare(self) -> None:
        """What has to be done once before the first start in this supervisor's life."""
        return

    @abstractmethod
    def command(self) -> Command: ...

    @abstractmethod
    async def ready(self) -> bool:
        """Whether it can do its work. Must answer within seconds and raise nothing for a part that is away."""

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process and self.process.exit_code is None else None

    async def start(self) -> Process:
        self.process = await Process.start(self.command(), self.data.log(self.name))
        return self.process

    async def stop(self) -> None:
        if self.process:
            await self.process.stop(self.stop_grace)
