"""Which cases a list shows, and in which order; the same rules for what a database finds and for what is newer."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from caseway_contracts.kinds import CaseStatus, Severity, Verdict
from caseway_contracts.views import CaseSummary

Sort = Literal["-submitted_at", "submitted_at", "-severity", "severity"]
DEFAULT_SORT: Sort = "-submitted_at"

SEVERITIES: tuple[Severity, ...] = get_args(Severity)

# A word is looked up by its longest beginning of these lengths, which keeps an index entry or three a word instead of
# one for each of its beginnings; the eighth figure of an SR number leaves ten cases.
PREFIXES = (2, 4, 8)

Place = tuple[int, str]


@dataclass(frozen=True)
class ListQuery:
    """``words``: each must be the beginning of a word of the subject or of the SR number."""

    status: CaseStatus | None = None
    category: str | None = None
    verdict: Verdict | None = None
    words: tuple[str, ...] = ()
    sort: Sort = DEFAULT_SORT
    after: Place | None = None
    limit: int = 50

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")

    @property
    def by(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def prefix(self) -> str | None:
        return rarest_prefix(self.words)

    def shows(self, case: CaseSummary) -> bool:
        return (
            self.status in (None, case.status)
            and self.category in (None, case.category)
            and self.verdict in (None, case.verdict)
            and finds(self.words, words_of(case.subject, case.sr_number))
            and self._is_after(case)
        )

    def arranged(self, cases: Iterable[CaseSummary]) -> list[CaseSummary]:
        return sorted(cases, key=self.place, reverse=self.descending)

    def place(self, case: CaseSummary) -> Place:
        value = severity_rank(case.severity) if self.by == "severity" else milliseconds(case)
        return value, case.sr_number

    def _is_after(self, case: CaseSummary) -> bool:
        if self.after is None:
            return True
        return self.place(case) < self.after if self.descending else self.place(case) > self.after


def words_of(*texts: str) -> tuple[str, ...]:
    """Words as they are searched: case-folded, in the order of their first use."""
    return tuple(dict.fromkeys(word for text in texts for word in re.findall(r"\w+", text.casefold())))


def finds(asked: Iterable[str], words: Collection[str]) -> bool:
    return all(any(word.startswith(one) for word in words) for one in asked)


def prefixes_of(words: Iterable[str]) -> list[str]:
    """What the words are looked up by, the shortest of each first."""
    found = (word[:length] for word in words for length in PREFIXES if len(word) >= length)
    return list(dict.fromkeys(found))


def rarest_prefix(words: Iterable[str]) -> str | None:
    """The beginning of a word that fewest cases have, as far as can be told without looking."""
    return max(prefixes_of(words), key=len, default=None)


def severity_rank(severity: Severity) -> int:
    return SEVERITIES.index(severity)


def milliseconds(case: CaseSummary) -> int:
    return round(case.submitted_at.timestamp() * 1000)
