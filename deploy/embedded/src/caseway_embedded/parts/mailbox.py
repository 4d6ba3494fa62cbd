import asyncio
import os
import sys

from caseway_embedded.data_dir import DataDir
from caseway_embedded.parts.base import Part
from caseway_embedded.processes import Command


class Mailbox(Part):
    """An SMTP server that keeps every mail it accepts as a file and sends none."""

    stop_grace = 5

    def __init__(self, data: DataDir) -> None:
        super().__init__("mailbox", data, data.port("mailbox"))
        self.folder = data.folder("mailbox")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def command(self) -> Command:
        module = "caseway_embedded.parts.mailbox_server"
        argv = [sys.executable, "-m", module, str(self.port), str(self.folder)]
        return Command(argv, env=os.environ, cwd=self.folder)

    async def ready(self) -> bool:
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    return (await reader.readline()).startswith(b"220")
                finally:
                    writer.close()
                    await writer.wait_closed()
        except (OSError, TimeoutError):
            return False
