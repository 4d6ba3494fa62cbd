"""What the objects of a PDF are made to do: actions, scripts, attachments, links."""

import re
from collections.abc import Iterator

from pypdf.errors import LimitReachedError
from pypdf.generic import ArrayObject, ByteStringObject, DictionaryObject, PdfObject, StreamObject, TextStringObject

from caseway_kit.archives import Content, named_susceptible
from sample_analysis.engines import urls, yara
from sample_analysis.engines.documents import targets
from sample_analysis.engines.inspection import Inspection, surviving

NESTED = 20_000
SCRIPT_CHARACTERS = 1024 * 1024
SCRIPTS = 200
_ATTACKS = re.compile(
    r"(?i)\b(?:unescape\s{0,4}\(\s{0,4}[\"']%u|String\.fromCharCode|eval\s{0,4}\(|util\.printf\s{0,4}\(\s{0,4}[\"']%\d{4,}"
    r"|Collab\.(?:collectEmailInfo|getIcon)|media\.newPlayer|spell\.customDictionaryOpen|getAnnots\s{0,4}\("
    r"|exportDataObject\s{0,4}\(|app\.(?:launchURL|openDoc|mailMsg)\s{0,4}\(|ADBC\.|SOAP\.(?:connect|request)\s{0,4}\()"
)
_OUTSIDE = ("/GoToR", "/GoToE", "/ImportData", "/Thread")
_MEDIA = ("/RichMedia", "/Screen", "/Movie", "/3D")


class Finder:
    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection
        self._scripts = 0
        self._attacks = ""
        self._opens = ""
        self._attached: set[int] = set()

    def look(self, found: PdfObject, number: int) -> None:
        for part in _dictionaries(found):
            with surviving(self._inspection.node):
                self._whole(part, f"object {number}", number)
        self._inspection.job.budget.check_time()

    def conclude(self) -> None:
        if self._attacks and self._opens:
            says = "A script that runs when the document is opened uses what attacks use."
            self._inspection.suspect("pdf-script-acts-on-open", says, f"{self._opens}; {self._attacks}")

    def _whole(self, part: DictionaryObject, place: str, number: int) -> None:
        try:
            self._look(part, place, number)
        except LimitReachedError:
            self._inspection.node.cut_short("document-bytes", "Not all of it was read: it unpacks to too much.")

    def _look(self, part: DictionaryObject, place: str, number: int) -> None:
        tell = self._inspection.tell
        action = _name(part, "/S")
        if _acts(part):
            self._opens = self._opens or place
            tell("pdf-acts-by-itself", "It does something by itself when it is opened, turned or closed.", place)
        if "/JS" in part:
            self._script(part, place)
        if action == "/Launch":
            what = " ".join(_texts(part, ("/F", "/P", "/Win", "/UF")))
            self._inspection.suspect("pdf-launch", "It wants to start a program or open a file.", f"{place}: {what}")
        elif action == "/SubmitForm":
            target = " ".join(_texts(part, ("/F",)))
            tell("pdf-submits-form", "It sends what is typed into it to a server.", f"{place}: {target}")
            self._inspection.link(target)
        elif action in _OUTSIDE:
            target = " ".join(_texts(part, ("/F", "/UF")))
            tell("outside-part", "It leads to another document.", f"{place}: {target}")
            targets.judge(self._inspection, "document", target, place)
        if "/URI" in part and (uri := _text(part, "/URI")):
            targets.judge(self._inspection, "hyperlink", uri, place)
        if _name(part, "/Subtype") in _MEDIA:
            tell("pdf-rich-media", "It holds media that a player has to take apart.", place)
        if "/XFA" in part:
            self._form(part, place)
        if "/EF" in part:
            self._attachment(part, place, number)

    def _script(self, part: DictionaryObject, place: str) -> None:
        self._scripts += 1
        if self._scripts > SCRIPTS:
            self._inspection.node.cut_short("scripts", f"Only the first {SCRIPTS} scripts were looked at.")
            return
        text = _content(part, "/JS")
        self._inspection.tell("pdf-script", "It holds a script.", f"{place}: {text[:120]}")
        self._judge(text, place)

    def _form(self, part: DictionaryObject, place: str) -> None:
        self._inspection.tell("pdf-form", "It holds a form in XML (XFA), which can hold scripts.", place)
        held = _get(part, "/XFA")
        streams = [_resolved(item) for item in list.__iter__(held)][:200] if isinstance(held, ArrayObject) else [held]
        for stream in streams:
            if isinstance(stream, StreamObject) and b"<script" in (data := _data(stream)):
                self._judge(data[:SCRIPT_CHARACTERS].decode("utf-8", "replace"), f"{place}, form")

    def _judge(self, text: str, place: str) -> None:
        if (found := _ATTACKS.search(text)) is not None:
            self._attacks = self._attacks or f"{place}: {found.group()}"
            says = "A script uses functions of the reader that attacks use, and forms hardly ever."
            self._inspection.tell("pdf-script-acts", says, f"{place}: {found.group()}")
        yara.scan(self._inspection.node, Content.of_bytes(text.encode("utf-8", "replace")), where=f"script in {place}")
        for url in urls.in_text(text):
            self._inspection.link(url)

    def _attachment(self, part: DictionaryObject, place: str, number: int) -> None:
        name = re.split(r"[\\/]", next(iter(_texts(part, ("/UF", "/F"))), ""))[-1] or "attachment"
        held = _get(part, "/EF")
        if not isinstance(held, DictionaryObject):
            return
        stream = next((item for key in ("/UF", "/F", "/DOS", "/Unix", "/Mac") if (item := _get(held, key))), None)
        if not isinstance(stream, StreamObject) or id(stream) in self._attached:
            return
        self._attached.add(id(stream))
        self._inspection.tell("pdf-attachment", "A file is attached, which was taken out.", f"{place}: {name}")
        if named_susceptible(name):
            says = "A program, script or shortcut is attached to the document."
            self._inspection.suspect("attached-program", says, f"{place}: {name}")
        try:
            data = _data(stream)
        except Exception:
            # The library raises anything for what is damaged, or encrypted apart from the document.
            says = "An attachment is damaged, too large, or encrypted with a password of its own."
            self._inspection.node.cut_short("attachment", says)
            return
        self._inspection.take_out(f"attachment/{number}/{name}", name, data)


def _acts(part: DictionaryObject) -> bool:
    """Most documents only open at a page of theirs."""
    opening = _get(part, "/OpenAction")
    return "/AA" in part or (isinstance(opening, DictionaryObject) and _name(opening, "/S") not in ("/GoTo", "/Named"))


def _dictionaries(found: PdfObject) -> Iterator[DictionaryObject]:
    """The object's own dictionaries; what it only refers to is an object of its own."""
    waiting: list[object] = [found]
    seen = 0
    while waiting and seen < NESTED:
        seen += 1
        part = waiting.pop()
        if isinstance(part, DictionaryObject):
            yield part
            waiting += dict.values(part)
        elif isinstance(part, ArrayObject):
            waiting += list.__iter__(part)


def _resolved(item: PdfObject) -> PdfObject | None:
    try:
        return item.get_object()
    except Exception:
        # A reference to what is broken or absent; the library raises anything.
        return None


def _get(part: DictionaryObject, key: str) -> PdfObject | None:
    item = dict.get(part, key)
    return _resolved(item) if item is not None else None


def _name(part: DictionaryObject, key: str) -> str:
    found = _get(part, key)
    return str(found) if isinstance(found, str) else ""


def _text(part: DictionaryObject, key: str) -> str:
    found = _get(part, key)
    if isinstance(found, ByteStringObject):
        return bytes(found).decode("utf-8", "replace")
    return str(found) if isinstance(found, TextStringObject) else ""


def _texts(part: DictionaryObject, keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        if text := _text(part, key):
            yield text
        elif isinstance(inner := _get(part, key), DictionaryObject) and inner is not part:
            yield from (text for name in ("/UF", "/F", "/P", "/D") if (text := _text(inner, name)))


def _content(part: DictionaryObject, key: str) -> str:
    found = _get(part, key)
    if isinstance(found, StreamObject):
        return _data(found)[:SCRIPT_CHARACTERS].decode("utf-8", "replace")
    return _text(part, key)[:SCRIPT_CHARACTERS]


def _data(stream: StreamObject) -> bytes:
    """Raises the library's LimitReachedError for one that unpacks to too much."""
    return bytes(stream.get_data())
