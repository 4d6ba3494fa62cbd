"""What a newer JSON Schema refuses that an older one accepted, and what it accepts that older readers refuse.

Only for the subset that pydantic emits; general libraries for this answer wrongly or crash on its unions.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

Schema = Mapping[str, Any]


class Change(NamedTuple):
    """One incompatible difference: ``breaks`` says whose view it breaks, of stored data or of deployed readers."""

    breaks: Literal["history", "readers"]
    where: str
    says: str


# keyword → whether a higher value accepts less
_BOUNDS = {
    "minimum": True,
    "exclusiveMinimum": True,
    "minLength": True,
    "minItems": True,
    "minProperties": True,
    "maximum": False,
    "exclusiveMaximum": False,
    "maxLength": False,
    "maxItems": False,
    "maxProperties": False,
}
_EXACT = ("pattern", "format", "multipleOf", "uniqueItems")


def changes(old: Schema, new: Schema) -> list[Change]:
    """Empty when ``new`` only adds optional properties to ``old``, or members to a union that is open."""
    return list(dict.fromkeys(_Comparison(old, new).node(old, new, "")))


def _is_open(members: list[Schema]) -> bool:
    # Its members pin a property to a constant each, but for one: the home of what is added later.
    pinned = [
        any("const" in _dict(field) for field in _dict(member.get("properties")).values())
        for member in members
        if member.get("type") == "object"
    ]
    return any(pinned) and not all(pinned)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _values(schema: Schema) -> list[object] | None:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return list(values) if isinstance(values, list) else None


class _Comparison:
    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = old, new
        self._open: set[tuple[str, str]] = set()

    def node(self, old: Schema, new: Schema, where: str) -> Iterator[Change]:
        pair = (str(old.get("$ref")), str(new.get("$ref")))
        if "$ref" in old and "$ref" in new:
            if pair in self._open:
                return
            self._open.add(pair)
        old, new = _resolved(old, self._old), _resolved(new, self._new)
        if _union(old) or _union(new):
            yield from self._unions(old, new, where)
        else:
            yield from self._plain(old, new, where)
        self._open.discard(pair)

    def _plain(self, old: Schema, new: Schema, where: str) -> Iterator[Change]:
        if old.get("type") != new.get("type"):
            yield from _type(old.get("type"), new.get("type"), where)
            return
        yield from _enum(_values(old), _values(new), where)
        yield from _bounds(old, new, where)
        if "default" in old and "default" in new and old["default"] != new["default"]:
            yield Change("history", where, f"default was {old['default']!r} and is {new['default']!r}")
        for keyword in _EXACT:
            if old.get(keyword) != new.get(keyword):
                says = f"{keyword} was {old.get(keyword)!r} and is {new.get(keyword)!r}"
                if keyword in new:
                    yield Change("history", where, says)
                if keyword in old:
                    yield Change("readers", where, says)
        yield from self._object(old, new, where)
        for keyword in ("items", "propertyNames", "additionalProperties"):
            yield from self._inner(keyword, old.get(keyword, True), new.get(keyword, True), f"{where}/{keyword}")
        yield from self._tuple(old.get("prefixItems", []), new.get("prefixItems", []), where)

    def _inner(self, keyword: str, old: object, new: object, where: str) -> Iterator[Change]:
        if isinstance(old, dict) and isinstance(new, dict):
            yield from self.node(old, new, where)
        elif old != new:
            # true accepts more than a schema does, and a schema more than false
            if new is False or old is True:
                yield Change("history", where, f"{keyword} accepts less than it did")
            else:
                yield Change("readers", where, f"{keyword} accepts more than it did")

    def _tuple(self, old: list[Schema], new: list[Schema], where: str) -> Iterator[Change]:
        if len(old) != len(new):
            yield Change("history", where, f"a tuple of {len(old)} is one of {len(new)}")
            return
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from self.node(before, after, f"{where}/{index}")

    def _object(self, old: Schema, new: Schema, where: str) -> Iterator[Change]:
        before, after = _dict(old.get("properties")), _dict(new.get("properties"))
        for name in before.keys() - after.keys():
            yield Change("history", f"{where}/{name}", "was removed or renamed")
        for name in before.keys() & after.keys():
            yield from self.node(before[name], after[name], f"{where}/{name}")
        was, must = set(old.get("required", [])), set(new.get("required", []))
        for name in must - was:
            yield Change("history", f"{where}/{name}", "is required and was not, or is added without a default")
        for name in (was - must) & after.keys():
            yield Change("readers", f"{where}/{name}", "is no longer required, and older readers need it")
        if old.get("additionalProperties") is False:
            for name in after.keys() - before.keys():
                yield Change("readers", f"{where}/{name}", "is added to a model that refuses what it does not know")

    def _unions(self, old: Schema, new: Schema, where: str) -> Iterator[Change]:
        before = [_resolved(member, self._old) for member in _union(old) or [old]]
        after = [_resolved(member, self._new) for member in _union(new) or [new]]
        pairs, missing = _paired(before, after)
        for was, becomes in pairs:
            yield from self.node(was, becomes, f"{where}<{_name(was)}>")
        for member in missing:
            yield Change("history", where, f"no longer takes {_name(member)}")
        if not _is_open(before):
            kept = [becomes for _, becomes in pairs]
            for member in after:
                if member not in kept:
                    yield Change("readers", where, f"takes {_name(member)} too, which older readers refuse")


def _paired(before: list[Schema], after: list[Schema]) -> tuple[list[tuple[Schema, Schema]], list[Schema]]:
    pairs, missing = [], []
    for member in before:
        same = next((candidate for candidate in after if _name(candidate) == _name(member)), None)
        if same is None:
            missing.append(member)
        else:
            pairs.append((member, same))
    return pairs, missing


def _resolved(schema: Schema, document: Schema) -> Schema:
    while "$ref" in schema:
        name = str(schema["$ref"]).removeprefix("#/$defs/")
        schema = document["$defs"][name]
    return schema


def _union(schema: Schema) -> list[Schema] | None:
    return schema.get("anyOf") or schema.get("oneOf")


def _name(schema: Schema) -> str:
    if schema.get("type") == "object" and "title" in schema:
        return str(schema["title"])
    return str(schema.get("type", "anything"))


def _type(old: object, new: object, where: str) -> Iterator[Change]:
    says = f"was of type {old or 'any'} and is of type {new or 'any'}"
    takes_all = new is None or (old, new) == ("integer", "number")
    took_all = old is None or (old, new) == ("number", "integer")
    if not takes_all:
        yield Change("history", where, says)
    if not took_all:
        yield Change("readers", where, says)


def _enum(old: list[object] | None, new: list[object] | None, where: str) -> Iterator[Change]:
    if old == new:
        return
    gone = [value for value in old or [] if new is not None and value not in new]
    added = [value for value in new or [] if old is not None and value not in old]
    if gone or old is None:
        yield Change("history", where, f"no longer takes {', '.join(map(repr, gone)) or 'every value'}")
    if added or new is None:
        yield Change(
            "readers", where, f"takes {', '.join(map(repr, added)) or 'every value'}, which older readers refuse"
        )


def _bounds(old: Schema, new: Schema, where: str) -> Iterator[Change]:
    for keyword, higher_is_narrower in _BOUNDS.items():
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        says = f"{keyword} was {before} and is {after}"
        narrower = before is None or (after is not None and (after > before) == higher_is_narrower)
        yield Change("history" if narrower else "readers", where, says)
