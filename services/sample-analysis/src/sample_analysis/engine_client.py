"""The engines, which run in the sandbox and are not trusted to come back."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from caseway_kit.errors import OutageError
from caseway_kit.faults import fault_point
from caseway_kit.sandbox import Budget, SandboxUnavailable

ENGINES = "sample_analysis.engines"
ANALYZE = f"{ENGINES}.files:analyze"
# Imported before the children are made: they are born with the rules compiled.
PRELOAD = f"{ENGINES}.warm"
VERSIONS = f"{ENGINES}.versions:versions"

# What one submitted piece may cost, all that is inside it included (rows "time" and "parser child" of the limits).
BUDGET = Budget(wall_seconds=150, cpu_seconds=60)
# The engines stop by themselves a little earlier, and then tell what they have found until then.
LIMITS: Mapping[str, Any] = {"seconds": BUDGET.wall_seconds - 10}


class Sandbox(Protocol):
    """What we use of the kit's sandbox."""

    async def run(self, function: str, *args: object, sample: Path | None = None, budget: Budget = ...) -> Any: ...


class Engines:
    """``versions`` is known after ``prepare``: name/version of every engine and rule set."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.versions: tuple[str, ...] = ()

    async def prepare(self) -> None:
        self.versions = tuple(await self._sandbox.run(VERSIONS))

    async def analyze(
        self, sample: Path, *, evidence_id: str, name: str, kind: str, passwords: Sequence[str]
    ) -> dict[str, Any]:
        """What the engines find. Raises the sandbox's SandboxLimit, SandboxCrash and ParserError, and OutageError."""
        job = self._sandbox.run(ANALYZE, evidence_id, name, kind, list(passwords), LIMITS, sample=sample, budget=BUDGET)
        try:
            found, _ = await asyncio.gather(job, _while_the_child_runs())
        except SandboxUnavailable as error:
            raise OutageError("sandbox", str(error)) from error
        return found if isinstance(found, dict) else {}


async def _while_the_child_runs() -> None:
    fault_point("K7")
