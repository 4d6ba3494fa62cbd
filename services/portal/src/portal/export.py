"""Lists as CSV for spreadsheets: nothing that a customer typed is taken for a formula there."""

import csv
import io
import re
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from caseway_contracts.views import CaseSummary

COLUMNS = (
    *("sr_number", "status", "issue_type", "category", "subject", "severity", "product", "team"),
    *("submitted_at", "due_at", "verdict"),
)
# Spreadsheets look at the first character that is not a blank; some take the full-width forms for the same.
_STARTS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20|%")
_BREAKS = frozenset("\t\r\n")
# Some take these for the ends of cells too, whatever the quotes say.
_INNER = re.compile(r"[;\t]\s*+[" + re.escape("".join(sorted(_STARTS))) + "]")
LINES_AT_ONCE = 200


class Labels(Protocol):
    def label(self, what: str, slug: str | None) -> str: ...


async def csv_of(cases: AsyncIterator[CaseSummary], labels: Labels) -> AsyncIterator[bytes]:
    """UTF-8 with the mark that spreadsheets know it by; a lot of lines at a time."""
    lines: list[Sequence[str]] = [COLUMNS]
    start = "\ufeff"
    async for case in cases:
        lines.append([safe_cell(cell) for cell in _cells(case, labels)])
        if len(lines) >= LINES_AT_ONCE:
            yield (start + _written(lines)).encode()
            lines, start = [], ""
    yield (start + _written(lines)).encode()


def safe_cell(text: str) -> str:
    """The text, behind an apostrophe where a spreadsheet could take it for more than text."""
    begins = text.lstrip()[:1]
    formula = begins in _STARTS or text[:1] in _BREAKS or _INNER.search(text)
    return f"'{text}" if formula else text


def _cells(case: CaseSummary, labels: Labels) -> Sequence[str]:
    return (
        case.sr_number,
        case.status,
        labels.label("issue_types", case.issue_type),
        labels.label("categories", case.category),
        case.subject,
        case.severity,
        labels.label("products", case.product),
        labels.label("teams", case.team),
        case.submitted_at.isoformat(timespec="seconds"),
        case.due_at.isoformat(timespec="seconds") if case.due_at else "",
        case.verdict or "",
    )


def _written(lines: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(lines)
    return out.getvalue()
