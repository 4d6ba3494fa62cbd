"""What all mails of the corpora hold, against what their makers' tests expect (``peer``) or a person read (``read``).

The table names every mail that has attachments; where its last column says why, the result differs from it.
"""

from pathlib import Path
from typing import Any

from sample_analysis.engines import analyze

TABLE = Path(__file__).with_name("mail_attachments.tsv")
AGREEMENT = 0.95
Row = tuple[list[str], str]


def _table() -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for line in TABLE.read_text().splitlines():
        path, _, names, why = line.split("\t")
        rows[path] = (sorted(filter(None, names.split(" | "))), why)
    return rows


def _attachments(report: dict[str, Any], path: Path) -> list[str]:
    names = {file["id"]: file["name"] for file in report["files"]}
    if path.suffix == ".tnef":
        return sorted(name for key, name in names.items() if key != report["files"][0]["id"])
    return sorted(names[key] for key in report["emails"][0]["attachments"])


def test_attachments_of_all_mails_are_those_that_are_expected(corpora: Path) -> None:
    table = _table()
    folders = (*sorted(corpora.glob("email-*")), *sorted(corpora.glob("msg-*")))
    agreed, differ = 0, []
    for path in (file for folder in folders for file in sorted(folder.rglob("*"))):
        if not path.is_file() or path.suffix in (".list", ".json"):
            continue
        report = analyze(path, "evidence", path.name, "email")
        key = str(path.relative_to(corpora))
        expected, why = table.pop(key, ([], ""))
        if _attachments(report, path) == expected:
            assert not why, f"{key} agrees by now"
            agreed += 1
        else:
            assert why, f"{key}: {_attachments(report, path)} instead of {expected}"
            differ.append(key)
    assert not table, "named, but not among the corpora"
    assert agreed / (agreed + len(differ)) >= AGREEMENT
