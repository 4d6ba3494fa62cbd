"""The engines without the service, to measure it by: ``python -m sample_analysis.loop bare|sandbox N < paths``.

``bare``: one process calls the engines, file after file. ``sandbox``: ``N`` children of the sandbox, as in the service.
One JSON line says how long it took.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caseway_kit.sandbox import Sandbox
from caseway_kit.sandbox.errors import SandboxError
from sample_analysis.engine_client import ANALYZE, BUDGET, LIMITS, PRELOAD
from sample_analysis.reuse import root_id

PASSWORDS = ("infected",)
WARM_UP = 3


def bare(paths: Sequence[Path]) -> dict[str, Any]:
    from sample_analysis.engines import analyze

    def look(path: Path) -> Any:
        return analyze(path, root_id(path.name), path.name, "file", PASSWORDS, LIMITS)["files"]

    for path in paths[:WARM_UP]:
        look(path)
    started, cpu = time.perf_counter(), time.process_time()
    found = [look(path) for path in paths]
    failed = sum(files[0]["verdict"] == "not_analyzed" for files in found)
    cpu_s = round(time.process_time() - cpu, 3)
    return _said(paths, started, files=sum(map(len, found)), not_analyzed=failed, cpu_s=cpu_s)


async def sandboxed(paths: Sequence[Path], workers: int, scratch: Path) -> dict[str, Any]:
    waiting = iter(paths)
    counts = {"files": 0, "not_analyzed": 0}
    async with Sandbox(workers=workers, scratch=scratch, preload=[PRELOAD], ceiling=BUDGET) as sandbox:

        async def look(path: Path) -> None:
            args = (root_id(path.name), path.name, "file", list(PASSWORDS), LIMITS)
            try:
                files = (await sandbox.run(ANALYZE, *args, sample=path, budget=BUDGET))["files"]
                counts["files"] += len(files)
                counts["not_analyzed"] += files[0]["verdict"] == "not_analyzed"
            except SandboxError as error:
                counts["not_analyzed"] += 1
                print(f"{path}: {type(error).__name__} {error}", file=sys.stderr)  # noqa: T201 - its answer

        async def work() -> None:
            for path in waiting:
                await look(path)

        for path in paths[:WARM_UP]:
            await look(path)
        counts |= {"files": 0, "not_analyzed": 0}
        started = time.perf_counter()
        # One more in hand than there are children, so that none waits for its next.
        await asyncio.gather(*(work() for _ in range(workers + 1)))
        return _said(paths, started, **counts)


def _said(paths: Sequence[Path], started: float, **more: Any) -> dict[str, Any]:
    wall = time.perf_counter() - started
    return {"samples": len(paths), "wall_s": round(wall, 3), "samples_per_s": round(len(paths) / wall, 2), **more}


def main() -> None:
    mode, workers = sys.argv[1], int(sys.argv[2])
    paths = [Path(line.rstrip("\n")) for line in sys.stdin]
    if mode == "bare":
        said = bare(paths)
    else:
        with tempfile.TemporaryDirectory(prefix="caseway-loop-") as folder:
            Path(folder).chmod(0o711)  # the sandbox's users pass through it to their own folders
            said = asyncio.run(sandboxed(paths, workers, Path(folder)))
    print(json.dumps(said))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
