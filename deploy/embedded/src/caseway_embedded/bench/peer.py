"""Another system that does the same work: a command that takes the number of cases and prints ``RESULT {json}``."""

import json
import os
import shlex
import subprocess
from typing import Any

PATIENCE_SECONDS = 600
MARK = "RESULT "


def run(command: str, count: int, at_once: int) -> dict[str, Any]:
    """Its figures of a burst, with as many submitters as we have. Raises RuntimeError with what it said instead."""
    done = subprocess.run(  # noqa: S603 - the command that the user gave
        [*shlex.split(command), str(count)],
        env=os.environ | {"CONC": str(at_once), "PHASES": "burst"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    results = [json.loads(line.removeprefix(MARK)) for line in done.stdout.splitlines() if line.startswith(MARK)]
    bursts = [result for result in results if result.get("phase", "burst") == "burst"]
    if done.returncode or not bursts:
        raise RuntimeError(f"{command} failed: {(done.stdout + done.stderr)[-1500:]}")
    burst: dict[str, Any] = bursts[-1]
    if burst["samples"] != count:
        raise RuntimeError(f"{command} took {burst['samples']} cases, not {count}")
    return burst
