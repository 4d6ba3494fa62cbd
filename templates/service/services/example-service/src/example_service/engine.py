"""The parser, which runs in the sandbox and is not trusted to come back."""

import secrets
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from caseway_contracts.base import ObjectRef
from caseway_kit.errors import OutageError
from caseway_kit.objects import ObjectDamaged, ObjectMissing, Objects
from caseway_kit.sandbox import Budget, Sandbox, SandboxCrash, SandboxError, SandboxLimit, SandboxUnavailable
from example_service.examine import VERSION
from example_service.pieces import Findings, not_analyzed

PARSER = "example_service.examine"
BUDGET = Budget(wall_seconds=60, cpu_seconds=30)
MOST_CRASHES = 3


class SandboxEngine:
    name = f"example-service/{VERSION}"

    def __init__(self, sandbox: Sandbox, objects: Objects, scratch: Path) -> None:
        self._sandbox = sandbox
        self._objects = objects
        self._scratch = scratch

    async def examine(self, ref: ObjectRef) -> Findings:
        path = self._scratch / secrets.token_hex(16)
        try:
            await self._objects.fetch(ref.key, path, ref.sha256)
            return Findings.model_validate(await self._found(path))
        except (ObjectMissing, ObjectDamaged):
            return not_analyzed("object-missing", "The file is not in the store any more.")
        except SandboxLimit as reached:
            return not_analyzed(reached.limit.replace("_", "-"), f"Not analysed: {reached.says}.")
        except (SandboxError, ValidationError):
            return not_analyzed("analyser-failed", "Not analysed: the analyser failed on it.")
        except SandboxUnavailable as error:
            raise OutageError("sandbox", str(error)) from error
        finally:
            path.unlink(missing_ok=True)

    async def _found(self, path: Path) -> Any:
        for _ in range(MOST_CRASHES - 1):
            try:
                return await self._sandbox.run(f"{PARSER}:examine", sample=path, budget=BUDGET)
            except SandboxCrash:
                continue
        return await self._sandbox.run(f"{PARSER}:examine", sample=path, budget=BUDGET)
