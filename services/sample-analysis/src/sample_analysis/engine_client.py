"""The engines, which run in the sandbox and are not trusted to come back."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from caseway_kit.errors import OutageError
from caseway_kit.faults import fault_point
from caseway_kit.sandbox import Budget, SandboxError, SandboxUnavailable
from sample_analysis.antivirus import Antivirus, judge, version

ENGINES = "sample_analysis.engines"
ANALYZE = f"{ENGINES}.files:analyze"
# Imported before the children are made: they are born with the rules compiled.
PRELOAD = f"{ENGINES}.warm"
VERSIONS = f"{ENGINES}.versions:versions"

# What one submitted piece may cost, all that is inside it included (rows "time" and "parser child" of the limits).
BUDGET = Budget(wall_seconds=150, cpu_seconds=60)
# The engines stop by themselves a little earlier, and then tell what they have found until then.
LIMITS: Mapping[str, Any] = {"seconds": BUDGET.wall_seconds - 10}
SECONDS_BETWEEN_VERSIONS = 60


class Sandbox(Protocol):
    """What we use of the kit's sandbox."""

    async def run(
        self, function: str, *args: object, sample: Path | None = None, output: int | None = None, budget: Budget = ...
    ) -> Any: ...


class Engines:
    """``versions`` is known after ``prepare``: name/version of every engine and rule set."""

    def __init__(self, sandbox: Sandbox, *, antivirus: Antivirus | None = None, spill_in: Path | None = None) -> None:
        self._sandbox = sandbox
        self._antivirus = antivirus
        self._spill_in = spill_in
        self.versions: tuple[str, ...] = ()

    async def prepare(self) -> None:
        """Ask all for their versions; raises OutageError."""
        try:
            versions = await self._sandbox.run(VERSIONS)
        except SandboxError as error:
            raise OutageError("sandbox", str(error)) from error
        if self._antivirus:
            versions += [f"clamav/{await version(self._antivirus)}"]
        self.versions = tuple(versions)

    async def stay_up_to_date(self) -> None:
        """The antivirus engine gets new signatures by itself: ask again and again, for ever."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_VERSIONS)
            with suppress(OutageError):
                await self.prepare()

    async def analyze(
        self, sample: Path, *, evidence_id: str, name: str, kind: str, passwords: Sequence[str]
    ) -> dict[str, Any]:
        """What the engines find. Raises NoResult, OutageError, and SandboxLimit, SandboxCrash, ParserError."""
        args = (evidence_id, name, kind, list(passwords), LIMITS)
        if self._antivirus is None:
            return await self._in_sandbox(sample, args)
        with tempfile.TemporaryFile(dir=self._spill_in) as spill:
            found = await self._in_sandbox(sample, args, spill.fileno())
            found = await judge(self._antivirus, found, spill.fileno())
        if found["engines"][-1] not in self.versions:
            await self.prepare()
        return found

    async def _in_sandbox(self, sample: Path, args: tuple[object, ...], output: int | None = None) -> dict[str, Any]:
        job = self._sandbox.run(ANALYZE, *args, sample=sample, output=output, budget=BUDGET)
        try:
            found, _ = await asyncio.gather(job, _while_the_child_runs())
        except SandboxUnavailable as error:
            raise OutageError("sandbox", str(error)) from error
        return found if isinstance(found, dict) else {}


async def _while_the_child_runs() -> None:
    fault_point("K7")
