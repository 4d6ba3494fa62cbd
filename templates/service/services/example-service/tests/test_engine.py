"""The parser in the real sandbox."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from example_service import examine
from example_service.engine import BUDGET, PARSER, SandboxEngine

from caseway_contracts.base import ObjectRef
from caseway_kit.objects import Objects
from caseway_kit.sandbox import Sandbox

EMPTY = ObjectRef(key="empty", sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", size=0)


@pytest.fixture
async def sandboxed(tmp_path: Path, objects: Objects) -> AsyncIterator[SandboxEngine]:
    source = Path(examine.__file__).parents[1]
    async with Sandbox(workers=1, scratch=tmp_path, preload=[PARSER], paths=[source], ceiling=BUDGET) as sandbox:
        yield SandboxEngine(sandbox, objects, tmp_path)


async def test_a_piece_is_examined_in_the_sandbox(sandboxed: SandboxEngine, objects: Objects) -> None:
    await objects.put(EMPTY, b"")
    assert [limit.limit for limit in (await sandboxed.examine(EMPTY)).limits] == ["empty"]


async def test_bytes_that_are_gone_are_not_analysed(sandboxed: SandboxEngine) -> None:
    assert [limit.limit for limit in (await sandboxed.examine(EMPTY)).limits] == ["object-missing"]
