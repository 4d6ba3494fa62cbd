"""RTF: objects that are written in hexadecimal, often so that a reader of text misses them; templates and fields."""

import re
from dataclasses import dataclass, field

from sample_analysis.engines.documents import fields, ole_objects, targets
from sample_analysis.engines.inspection import Inspection, surviving

DOCUMENT_BYTES = 64 * 1024 * 1024
TOKENS = 4_000_000
OBJECTS = 200
OBJECT_BYTES = 32 * 1024 * 1024
TEXT_BYTES = 64 * 1024
GROUPS = 5000
_TOKEN = re.compile(
    rb"\\([A-Za-z]{1,250})(-?\d{1,250})?[ ]?|\\'([0-9A-Fa-f]{2})|\\([\x00-\xff])|([{}])|([^\\{}]{1,65536})", re.DOTALL
)
_NO_HEX = re.compile(rb"[^0-9A-Fa-f]{1,65536}")
_COLLECTED = {b"objdata": "object", b"fldinst": "field", b"template": "template", b"objclass": "class"}
_BY_ITSELF = {b"objupdate", b"objautlink"}


@dataclass
class _Group:
    skipped: bool = False
    collects: str = ""
    began: bool = False


@dataclass
class _Reading:
    inspection: Inspection
    groups: list[_Group] = field(default_factory=lambda: [_Group()])
    collected: dict[str, list[bytes]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    starred: bool = False
    updates: bool = False
    objects: int = 0

    def open(self) -> None:
        above = self.groups[-1]
        if len(self.groups) < GROUPS:
            self.groups.append(_Group(above.skipped, above.collects))
        self.starred = False

    def close(self) -> None:
        group = self.groups.pop() if len(self.groups) > 1 else self.groups[0]
        if group.began:
            self._finish(group.collects)

    def word(self, word: bytes) -> None:
        group = self.groups[-1]
        kind = _COLLECTED.get(word)
        if kind is not None:
            if group.began:
                self._finish(group.collects)
            group.collects, group.began, group.skipped = kind, True, False
            self.collected[kind], self.sizes[kind] = [], 0
        elif self.starred:
            # A destination that is unknown is passed over with all that it holds; in an object it is only noise.
            group.skipped = True
        if word in _BY_ITSELF and not self.updates:
            self.updates = True
            says = "An object in it is updated by itself when the document is opened."
            self.inspection.tell("object-updates-itself", says, f"\\{word.decode()}")
        self.starred = False

    def text(self, text: bytes) -> None:
        group = self.groups[-1]
        if group.skipped or not group.collects:
            return
        kind = group.collects
        if kind == "object":
            text = _NO_HEX.sub(b"", text)
        most = OBJECT_BYTES if kind == "object" else TEXT_BYTES
        if self.sizes.get(kind, 0) < most:
            self.sizes[kind] = self.sizes.get(kind, 0) + len(text)
            self.collected.setdefault(kind, []).append(text)

    def raw(self, data: bytes) -> None:
        """Bytes as they are, in the middle of the text."""
        self.text(data.hex().encode() if self.groups[-1].collects == "object" else data)

    def finish(self) -> None:
        while len(self.groups) > 1:
            self.close()
        self.close()

    def _finish(self, kind: str) -> None:
        data = b"".join(self.collected.pop(kind, ()))
        self.sizes[kind] = 0
        if kind == "object" and data:
            self.objects += 1
            if self.objects > OBJECTS:
                self.inspection.node.cut_short("objects", f"Only the first {OBJECTS} objects were taken out.")
                return
            digits = data[: len(data) & ~1].decode("ascii")
            with surviving(self.inspection.node):
                ole_objects.first_kind(self.inspection, bytes.fromhex(digits), f"object {self.objects}")
        elif kind == "field":
            fields.judge(self.inspection, data.decode("cp1252", "replace"), "field")
        elif kind == "template":
            targets.judge(self.inspection, "attachedTemplate", data.decode("cp1252", "replace").strip(), "template")


def inspect(inspection: Inspection) -> None:
    data = inspection.content.head(DOCUMENT_BYTES)
    reading = _Reading(inspection)
    at = 0
    for count in range(TOKENS):
        token = _TOKEN.match(data, at)
        if token is None:
            if at >= len(data):
                break
            at += 1
            continue
        at = token.end()
        word, number, letter, symbol, brace, text = token.groups()
        if word is not None:
            if word == b"bin" and number and not number.startswith(b"-") and len(number) < 10:
                reading.raw(data[at : at + int(number)])
                at += int(number)
            else:
                reading.word(word)
        elif brace is not None:
            reading.open() if brace == b"{" else reading.close()
        elif text is not None:
            reading.text(text)
        elif letter is not None:
            if reading.groups[-1].collects != "object":
                reading.text(bytes.fromhex(letter.decode()))
        elif symbol == b"*":
            reading.starred = True
        elif symbol in (b"\\", b"{", b"}"):
            reading.text(symbol)
        if count % 100_000 == 0:
            inspection.job.budget.check_time()
    else:
        inspection.node.cut_short("tokens", f"Only the first {TOKENS:,} words of the text's own language were read.")
    reading.finish()
