import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from caseway_kit.sandbox import Sandbox

HERE = Path(__file__).parent


@pytest.fixture
async def make_sandbox(open_folder: Path) -> AsyncIterator[Callable[..., Any]]:
    made: list[Sandbox] = []

    async def make(**options: Any) -> Sandbox:
        defaults: dict[str, Any] = {
            "workers": 1,
            "scratch": open_folder,
            "paths": [HERE],
            "preload": ["sandbox_parsers"],
        }
        sandbox = Sandbox(**defaults | options)
        made.append(sandbox)
        await sandbox.start()
        return sandbox

    yield make
    for sandbox in made:
        await sandbox.close()


@pytest.fixture
async def sandbox(make_sandbox: Callable[..., Any]) -> Sandbox:
    made: Sandbox = await make_sandbox()
    return made


@pytest.fixture
def until_gone() -> Callable[[int], Awaitable[None]]:
    async def wait(pid: int) -> None:
        async with asyncio.timeout(60):
            while is_alive(pid):
                await asyncio.sleep(0.02)

    return wait


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    async def wait(happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not happened():
                await asyncio.sleep(0.02)

    return wait


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
