"""What the case page tells besides the interface's view: who said what, what was handed in, what hangs on what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from caseway_contracts.kinds import VERDICT_ORDER
from caseway_contracts.results import FileResult
from caseway_contracts.sheets import CaseSheet, Evidenced, UpdateSheet
from caseway_contracts.views import CaseView, TimelineItem
from caseway_kit.paging import to_cursor
from portal.cases import Opened
from portal.fresh import FreshCase
from portal.page import Entry
from portal.timeline import ordered

_SAID = ("CaseSubmitted", "CaseUpdated", "CaseClosed", "CaseReopened", "EscalationRequested")


@dataclass(frozen=True)
class Handed:
    """A submitted file."""

    id: str
    name: str


@dataclass(frozen=True)
class Message:
    """Something that the customer's side did; ``says`` in our words, ``text`` in theirs."""

    at: datetime
    event: str
    says: str = ""
    text: str = ""
    files: tuple[Handed, ...] = ()
    urls: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    business_impact: str = ""


@dataclass
class Node:
    """A file and what was found inside it."""

    file: FileResult
    children: list["Node"] = field(default_factory=list)


@dataclass(frozen=True)
class Story:
    view: CaseView
    messages: tuple[Message, ...]
    roots: tuple[Node, ...]
    pending: tuple[Handed, ...]
    """Submitted files that have no result yet."""
    names: dict[str, str]
    """Of every file with a result, by its id."""
    mark: str
    """How far the projection is, for a stream to go on from."""

    @property
    def closed(self) -> bool:
        return self.view.status == "closed"

    @property
    def erased(self) -> bool:
        return any(one.event == "CaseErased" for one in self.view.timeline)


def story_of(view: CaseView, opened: Opened | None, newer: FreshCase | None) -> Story:
    messages = [] if opened is None else _told(opened)
    messages += _newer(view, opened)
    handed = [file for one in messages for file in one.files]
    handed += [Handed(one.id, one.name) for one in (newer.evidence if newer else ()) if one.name]
    files = view.analysis.files
    known = {one.id for one in files}
    return Story(
        view=view,
        messages=tuple(messages),
        roots=tuple(tree_of(files)),
        pending=tuple(one for one in dict.fromkeys(handed) if one.id not in known),
        names={one.id: one.name for one in files},
        mark="" if opened is None else to_cursor(opened.page.epoch, opened.page.version),
    )


def tree_of(files: Iterable[FileResult]) -> list[Node]:
    """Children below their parents, the worst first; what names a parent that is not there, or itself, at the top."""
    worst_first = sorted(files, key=lambda one: -VERDICT_ORDER.index(one.verdict))
    nodes = {one.id: Node(one) for one in worst_first}
    roots = []
    for node in nodes.values():
        parent = nodes.get(node.file.parent_id or "")
        if parent is None or _is_above(node.file.id, parent.file, nodes):
            roots.append(node)
        else:
            parent.children.append(node)
    return roots


def _is_above(file_id: str, file: FileResult, nodes: dict[str, Node]) -> bool:
    seen: set[str] = set()
    above: Node | None = nodes[file.id]
    while above is not None and above.file.id not in seen:
        if above.file.id == file_id:
            return True
        seen.add(above.file.id)
        above = nodes.get(above.file.parent_id or "")
    return False


def _told(opened: Opened) -> list[Message]:
    entries = [one for one in ordered(opened.page.history) if one.service == "intake" and one.event in _SAID]
    return [_message(one, opened.sheets.get(one.revision)) for one in entries]


def _message(entry: Entry, sheet: Evidenced | None) -> Message:
    files = tuple(Handed(one.evidence_id, one.name) for one in sheet.attachments) if sheet else ()
    urls = tuple(one.url for one in sheet.urls) if sheet else ()
    if isinstance(sheet, CaseSheet):
        return Message(entry.at, entry.event, entry.says, sheet.description, files, urls)
    if not isinstance(sheet, UpdateSheet):
        return Message(entry.at, entry.event, entry.says)
    return Message(
        at=entry.at,
        event=entry.event,
        says=entry.says,
        text=sheet.comment or "",
        files=files,
        urls=urls,
        added=tuple(one.address for one in sheet.recipients),
        business_impact=sheet.business_impact or "",
    )


def _newer(view: CaseView, opened: Opened | None) -> Sequence[Message]:
    """What intake knows and the projection does not yet."""
    known = {(one.event, one.at) for one in opened.page.history} if opened else set()
    fresh = [one for one in view.timeline if one.event in _SAID and (one.event, one.at) not in known]
    return [_from_item(one, view) for one in fresh]


def _from_item(item: TimelineItem, view: CaseView) -> Message:
    text = view.description if item.event == "CaseSubmitted" else ""
    return Message(at=item.at, event=item.event, says=item.says, text=text)
