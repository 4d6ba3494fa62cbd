"""Prints the example cases of a running system as Markdown: what was sent, the result tree, the reasons.

``make run`` brings a system up with one example case for each kind of evidence; then, in another shell:
``.venv/bin/python docs/verdict_examples.py > docs/verdict-examples.md``
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CASEWAY = Path(sys.executable).with_name("caseway")
BEGIN = """# Verdicts: one example of each kind

Made by `docs/verdict_examples.py` from the example cases that `make run` submits; [verdicts.md](verdicts.md) says how
to read them. Ids are left out, as each system has its own.
"""


def caseway(*arguments: str) -> Any:
    done = subprocess.run([CASEWAY, *arguments, "--json"], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return json.loads(done.stdout)


def told(case: dict[str, Any]) -> list[str]:
    lines = [f"## {case['subject']}", "", f"Category `{case['category']}`; the case is `{case['status']}`.", ""]
    analysis = case["analysis"]
    lines += _tree(analysis["files"], None, 0, {one["id"]: one for one in analysis["emails"] + analysis["attk_logs"]})
    for url in analysis["urls"]:
        names = ", ".join(category["name"] for category in url["categories"])
        lines += [f"- URL `{url['canonical']}`: **{url['rating']}** ({url['score']}){f', {names}' if names else ''}"]
        lines += _why(url, "  ")
    return [*lines, ""]


def _tree(files: list[dict[str, Any]], parent: str | None, depth: int, more: dict[str, Any]) -> list[str]:
    lines = []
    for file in files:
        if file["parent_id"] != parent:
            continue
        indent = "  " * depth
        lines += [f"{indent}- `{file['name']}` ({file['type']}, {file['size']:,} bytes): **{file['verdict']}**"]
        lines += _why(file, f"{indent}  ")
        lines += _told_more(more.get(file["id"], {}), f"{indent}  ")
        lines += _tree(files, file["id"], depth + 1, more)
    return lines


def _told_more(one: dict[str, Any], indent: str) -> list[str]:
    if "host" in one:
        sets = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in one["entries"].items())
        findings = [f"{indent}- `{found['rule']}`: {found['says']}" for found in one["findings"]]
        return [f"{indent}- host `{one['host']}`: {sets}", *findings]
    if "authentication" in one:
        said = ", ".join(f"{name} {one['authentication'][name]}" for name in ("spf", "dkim", "dmarc"))
        return [f"{indent}- mail `{one['subject']}` from `{one['from']}`: {said}"]
    return []


def _why(result: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for one in result.get("reasons", ()):
        where = f" at {one['where']}" if one["where"] else ""
        lines += [f"{indent}- because `{one['engine']}/{one['version']}` rule `{one['rule']}`{where}: {one['says']}"]
    return lines + [f"{indent}- limit `{one['limit']}`: {one['says']}" for one in result.get("limits", ())]


def main() -> None:
    numbers = [case["sr_number"] for case in caseway("cases")]
    cases = [caseway("case", number) for number in sorted(numbers)]
    print("\n".join([BEGIN, *(line for case in cases for line in told(case))]).rstrip())  # noqa: T201 - its result


if __name__ == "__main__":
    main()
