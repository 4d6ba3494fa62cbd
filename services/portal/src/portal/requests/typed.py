"""What stands in a request's form, as the browser sends it: names and texts, nothing judged yet.

A name is a JSON pointer into the submission without its first slash: ``fields/repdv_entries/0/address``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

Pair: TypeAlias = tuple[str, str]
Row: TypeAlias = Mapping[str, tuple[str, ...]]

NAMES = frozenset(
    {
        "profile_id",
        "affected_operating_systems",
        "issue_type",
        "category",
        "subject",
        "description",
        "severity",
        "business_impact",
        "cc",
        "cc_pick",
        "contact/method",
        "contact/phone",
        "contact/preferred_time",
        "urls",
        "rated",
    }
)
_PART = r"[a-z][a-z0-9_]{0,63}"
_INDEXED = rf"(?:attachments/\d{{1,3}}/(?:upload_id|name|size|password)|urls/\d{{1,3}}/{_PART})"
_KNOWN = re.compile(rf"fields/{_PART}(?:/\d{{1,4}}(?:/{_PART})?)?|{_INDEXED}")


def is_known(name: str) -> bool:
    return name in NAMES or (len(name) <= 200 and _KNOWN.fullmatch(name) is not None)


class Typed:
    """Immutable; what is no field of a request is dropped."""

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self._values: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            if is_known(name):
                # Browsers send a line's end as two characters.
                self._values[name] = (*self._values.get(name, ()), value.replace("\r\n", "\n"))

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __bool__(self) -> bool:
        return bool(self._values)

    def one(self, name: str) -> str:
        values = self._values.get(name)
        return values[-1] if values else ""

    def all(self, name: str) -> tuple[str, ...]:
        return self._values.get(name, ())

    def lines(self, name: str) -> list[str]:
        """The lines of a text that are not blank."""
        return [line.strip() for line in self.one(name).splitlines() if line.strip()]

    def rows(self, prefix: str) -> list[Row]:
        """What stands under ``prefix/N/name``, by N, without the rows in which nothing is typed."""
        rows: dict[int, dict[str, tuple[str, ...]]] = {}
        for name, values in self._values.items():
            if name.startswith(f"{prefix}/"):
                number, _, key = name[len(prefix) + 1 :].partition("/")
                if number.isdecimal():
                    rows.setdefault(int(number), {})[key] = values
        return [rows[number] for number in sorted(rows) if any(one.strip() for v in rows[number].values() for one in v)]

    def pairs(self) -> list[Pair]:
        return [(name, value) for name, values in self._values.items() for value in values]

    def replaced(self, changes: Mapping[str, str | Sequence[str]]) -> "Typed":
        """With other values for some names; an empty list takes a name away."""
        pairs = [pair for pair in self.pairs() if pair[0] not in changes]
        for name, value in changes.items():
            pairs += [(name, one) for one in ([value] if isinstance(value, str) else value)]
        return Typed(pairs)

    def with_rows(self, prefix: str, rows: Sequence[Row]) -> "Typed":
        """The rows under ``prefix`` numbered anew."""
        pairs = [pair for pair in self.pairs() if not _is_row_of(pair[0], prefix)]
        for number, row in enumerate(rows):
            for key, values in row.items():
                name = f"{prefix}/{number}/{key}" if key else f"{prefix}/{number}"
                pairs += [(name, value) for value in values]
        return Typed(pairs)

    def size(self) -> int:
        return sum(len(name) + len(value.encode("utf-8", "replace")) for name, value in self.pairs())


def _is_row_of(name: str, prefix: str) -> bool:
    return name.startswith(f"{prefix}/") and name[len(prefix) + 1 :].partition("/")[0].isdecimal()
