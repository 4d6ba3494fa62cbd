"""Analyses files in a process of its own: ``python determined.py FOLDER < names``; a line with name and digest each.

What is volatile is declared here, and nothing else is left out of the comparison.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from sample_analysis.engines import analyze

EVIDENCE_ID = "11111111-1111-4111-8111-111111111111"
# Which engines looked is the same for all; how long they took stands in no result.
VOLATILE = ("engines",)


def digest(result: dict[str, Any]) -> str:
    stable = {name: value for name, value in result.items() if name not in VOLATILE}
    return hashlib.sha256(json.dumps(stable, sort_keys=True).encode()).hexdigest()


def main() -> None:
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        name = line.rstrip("\n")
        result = analyze(folder / name, EVIDENCE_ID, Path(name).name)
        verdicts = sorted((file["id"], file["verdict"], file.get("sha256") or "") for file in result["files"])
        print(json.dumps([name, verdicts, digest(result)]), flush=True)  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
