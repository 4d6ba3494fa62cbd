"""Parts of documents that are written in XML, each looked at by itself in one pass; no entity is ever expanded."""

import base64
import binascii
import re
import zlib
from collections.abc import Callable
from xml.parsers import expat

from sample_analysis.engines.documents import dde, excel4, fields, targets, xlsb
from sample_analysis.engines.inspection import Inspection

PART_BYTES = 128 * 1024 * 1024
ELEMENTS = 2_000_000
TEXT_CHARACTERS = 64 * 1024
OBJECT_CHARACTERS = 32 * 1024 * 1024
_ACTIVE_MIME_HEADER = 0x32
_OFFICE_PART = re.compile(r"(?i)^(?:word|xl|ppt|visio|docProps|_rels|customXml)/|^\[Content_Types\]\.xml$")
_XML_NAME = re.compile(r"(?i)\.(?:xml|rels|vml)$")
_AUTOMATIC = re.compile(r"(?i)^(?:_xlnm\.)?auto_(?:open|close|activate|deactivate)")
_WEB_FUNCTION = re.compile(r"(?i)\b(?:WEBSERVICE|HYPERLINK|IMAGE)\s{0,4}\(\s{0,4}\"([^\"]{1,2000})")


class _Stop(Exception):
    """Enough was seen, or more would be wrong to see."""


def inspect(inspection: Inspection) -> None:
    start = inspection.content.head(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    written = start.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<"))
    if written and (inspection.found.mime != "text/plain" or _XML_NAME.search(inspection.node.name)):
        _Pass(inspection).run()


def inspect_binary(inspection: Inspection) -> None:
    """Parts of binary workbooks are told by their names; the macros of documents saved as web pages by their start."""
    if inspection.content.head(10) == b"ActiveMime":
        packed = inspection.content.head(PART_BYTES)[_ACTIVE_MIME_HEADER:]
        inspection.take_out("object/macros", "macros", zlib.decompressobj().decompress(packed, OBJECT_CHARACTERS))
    elif inspection.node.name.lower().startswith("xl/") and inspection.node.name.lower().endswith(".bin"):
        xlsb.inspect(inspection)


class _Pass:
    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection
        self._elements = 0
        self._sheets = excel4.Sheets()
        self._text: list[str] | None = None
        self._text_left = 0
        self._field = ""
        self._objects = 0
        self._starts: dict[str, Callable[[dict[str, str]], None]] = {
            "Relationship": self._relationship,
            "instrText": self._begin_text,
            "delInstrText": self._begin_text,
            "fldChar": self._field_mark,
            "fldSimple": self._simple_field,
            "ddeLink": self._dde,
            "macrosheet": self._macro_sheet,
            "f": self._begin_text,
            "definedName": self._defined_name,
            "binData": self._begin_object,
            "binaryData": self._begin_object,
        }
        self._ends: dict[str, Callable[[str], None]] = {
            "instrText": self._more_field,
            "delInstrText": self._more_field,
            "f": self._formula,
            "binData": self._object,
            "binaryData": self._object,
            "p": self._end_field,
        }

    def run(self) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.EntityDeclHandler = self._entity
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        read = 0
        try:
            for chunk in self._inspection.content.chunks():
                read += len(chunk)
                if read > PART_BYTES:
                    self._inspection.node.cut_short("part-bytes", "Only the beginning of the part was read.")
                    break
                parser.Parse(chunk, False)
                self._inspection.job.budget.check_time()
            else:
                parser.Parse(b"", True)
        except _Stop:
            pass
        except expat.ExpatError as error:
            if read and _OFFICE_PART.match(self._inspection.node.name):
                self._inspection.node.cut_short("damaged", f"Not whole: it was read to line {error.lineno}.")
        finally:
            self._end_field("")
            self._sheets.judge(self._inspection)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > ELEMENTS:
            self._inspection.node.cut_short("elements", f"Only the first {ELEMENTS:,} elements of the part were read.")
            raise _Stop
        if (start := self._starts.get(name.rpartition(":")[2])) is not None:
            start(attributes)

    def _end(self, name: str) -> None:
        if (end := self._ends.get(name.rpartition(":")[2])) is not None:
            text = "".join(self._text or ())
            self._text = None
            end(text)

    def _characters(self, text: str) -> None:
        if self._text is not None and self._text_left > 0:
            self._text_left -= len(text)
            self._text.append(text)

    def _entity(
        self, name: str, _parameter: bool, value: str | None, _base: str | None, system: str, *_: str | None
    ) -> None:
        where = f"entity {name}: {system or value or ''}"
        if system:
            targets.judge(self._inspection, "entity", system, f"entity {name}")
        if _OFFICE_PART.match(self._inspection.node.name):
            says = "The part declares entities, which no Office program writes: they can grow without end."
            self._inspection.suspect("xml-entities", says, where)
        else:
            self._inspection.tell("xml-entities", "It declares entities; they were not expanded.", where)
        self._inspection.node.cut_short("entities", "Not read further: its entities are never expanded.")
        raise _Stop

    def _relationship(self, attributes: dict[str, str]) -> None:
        if attributes.get("TargetMode", "").lower() == "external":
            target = attributes.get("Target", "")
            kind = attributes.get("Type", "").rpartition("/")[2]
            targets.judge(self._inspection, kind, target, f"{kind} {attributes.get('Id', '')}".strip())

    def _begin_text(self, _attributes: dict[str, str]) -> None:
        self._text, self._text_left = [], TEXT_CHARACTERS

    def _begin_object(self, _attributes: dict[str, str]) -> None:
        self._text, self._text_left = [], OBJECT_CHARACTERS

    def _more_field(self, text: str) -> None:
        if len(self._field) < TEXT_CHARACTERS:
            self._field += text

    def _field_mark(self, attributes: dict[str, str]) -> None:
        # A field inside a field makes up words of the outer one: only its own beginning does not end that.
        if any(key.endswith("fldCharType") and value in ("separate", "end") for key, value in attributes.items()):
            self._end_field("")

    def _end_field(self, _text: str) -> None:
        instruction, self._field = self._field, ""
        if instruction.strip():
            fields.judge(self._inspection, instruction, "field")

    def _simple_field(self, attributes: dict[str, str]) -> None:
        for key, value in attributes.items():
            if key.endswith("instr"):
                fields.judge(self._inspection, value, "field")

    def _dde(self, attributes: dict[str, str]) -> None:
        dde.link(self._inspection, attributes.get("ddeService", ""), attributes.get("ddeTopic", ""), "external link")

    def _macro_sheet(self, _attributes: dict[str, str]) -> None:
        self._sheets.macro = True

    def _formula(self, text: str) -> None:
        if self._sheets.macro:
            self._sheets.formula_text(text)
        for match in _WEB_FUNCTION.finditer(text):
            self._inspection.link(match.group(1))

    def _defined_name(self, attributes: dict[str, str]) -> None:
        if _AUTOMATIC.match(name := attributes.get("name", "")):
            says = "A macro of Excel 4 runs by itself when the workbook is opened or closed."
            self._inspection.tell("excel4-runs-by-itself", says, name)

    def _object(self, text: str) -> None:
        """A file inside XML as text: macros of Word 2003's XML, parts of a flat package."""
        try:
            data = base64.b64decode(text, validate=False)
        except binascii.Error:
            return
        if data:
            self._objects += 1
            self._inspection.take_out(f"object/{self._objects}", f"object {self._objects}", data)
