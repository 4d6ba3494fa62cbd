"""The parameters of a header field, each way that some program reads them."""

import re
from urllib.parse import unquote_to_bytes

VALUES = 20
_COMMENT = re.compile(r"\([^()\"]{0,500}\)")
_PAIR = re.compile(
    r"(?is)[;\s]([a-z][a-z0-9_-]{0,40})(\*\d{1,3})?(\*)?\s{0,40}=\s{0,40}"
    r"(?:\"((?:[^\"\\]|\\.){0,2000})(?:\"|$)|'([^']{1,2000})'|([^;\s]{1,2000}))"
)


def ways(value: str, wanted: tuple[str, ...]) -> list[str]:
    """Every value that any of the ``wanted`` parameters has: quoted, bare, in pieces, percent-encoded; last first."""
    found: dict[str, None] = {}
    for text in dict.fromkeys((value, _COMMENT.sub(" ", value))):
        pieces: dict[str, dict[int, str]] = {}
        for match in _PAIR.finditer(";" + text[:65536]):
            name = match.group(1).lower()
            if name not in wanted:
                continue
            raw = match.group(4) if match.group(4) is not None else match.group(5) or match.group(6) or ""
            raw = re.sub(r"\\(.)", r"\1", raw) if match.group(4) is not None else raw
            if match.group(3):
                raw = _percent(raw, first=match.group(2) in (None, "*0"))
            if match.group(2):
                pieces.setdefault(name, {})[int(match.group(2)[1:])] = raw
            else:
                found[raw] = None
        for parts in pieces.values():
            found["".join(parts[number] for number in sorted(parts))] = None
    return [each.strip() for each in found if each.strip()][:VALUES]


def names(fields: dict[str, list[str]]) -> list[str]:
    """All that some program calls a part with these fields."""
    found: dict[str, None] = {}
    for field, wanted in (("content-disposition", ("filename", "name")), ("content-type", ("name", "filename"))):
        for value in fields.get(field, []):
            found |= dict.fromkeys(ways(value, wanted))
    return list(found)


def _percent(raw: str, *, first: bool) -> str:
    charset, rest = "utf-8", raw
    if first and raw.count("'") >= 2:
        charset, _, rest = raw.split("'", 2)
    data = unquote_to_bytes(rest)
    try:
        return data.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")
