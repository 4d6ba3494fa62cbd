"""A service that keeps two children busy and tells their ids; the test kills it."""

import asyncio
import sys
from pathlib import Path

import structlog

from caseway_kit.sandbox import Sandbox


async def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    here = Path(__file__).parent
    async with Sandbox(workers=2, scratch=Path(sys.argv[1]), paths=[here]) as sandbox:
        first = asyncio.create_task(sandbox.run("sandbox_parsers:pid"))
        children = await asyncio.gather(first, sandbox.run("sandbox_parsers:pid"))
        sys.stdout.write(" ".join(map(str, children)) + "\n")
        sys.stdout.flush()
        await asyncio.gather(*(sandbox.run("sandbox_parsers:spin") for _ in range(2)))


asyncio.run(main())
