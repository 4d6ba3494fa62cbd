"""``python -m caseway_embedded.parts.mailbox_server PORT FOLDER``"""

import asyncio
import os
import signal
import sys
import time
import uuid
from functools import partial
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST_MAIL = 64 * 1024 * 1024


class Keeper:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server, session
        await asyncio.to_thread(self._keep, envelope.rcpt_tos, envelope.original_content or b"")
        return "250 Message accepted"

    def _keep(self, recipients: list[str], content: bytes) -> None:
        name = f"{time.time_ns()}-{uuid.uuid4().hex[:8]}.eml"
        draft = self._folder / f".{name}"
        with draft.open("wb") as file:
            file.write(f"X-RcptTo: {', '.join(recipients)}\r\n".encode())
            file.write(content)
            file.flush()
            # A 250 is a promise: what it answered for is on the disk before it is said.
            os.fsync(file.fileno())
        draft.replace(self._folder / name)


async def serve(port: int, folder: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    make = partial(SMTP, Keeper(folder), data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True, hostname="localhost")
    server = await loop.create_server(make, "127.0.0.1", port)
    async with server:
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
