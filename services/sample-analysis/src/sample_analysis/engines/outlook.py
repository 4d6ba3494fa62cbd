"""Outlook's own form of a mail, ``.msg``, brought into the parts that every mail has."""

from collections.abc import Iterator
from email import policy
from email.message import Message
from email.parser import Parser
from typing import TYPE_CHECKING

from caseway_kit.archives import Content, FileType
from sample_analysis.engines import mail_parts, mails
from sample_analysis.engines.mail_parts import Part, safely
from sample_analysis.engines.mailing import mapi, msg, rtf
from sample_analysis.engines.tree import Node

if TYPE_CHECKING:
    from sample_analysis.engines.files import Job

_EMBEDDED_MAIL = 5


def read(job: "Job", node: Node, content: Content, _found: FileType, depth: int, nesting: int) -> None:
    try:
        store = safely(lambda: msg.Store(content), None)
    except MemoryError:
        store = None
    item = safely(lambda: msg.Item(store), None) if store is not None else None
    if store is None or item is None:
        node.kind = "email"
        job.tree.mails[node.id] = {}
        node.cut_short("damaged", "The mail is built in a way that could not be taken apart.")
        return
    _Reader(job, store, depth).read(node, item, nesting)


class _Reader:
    def __init__(self, job: "Job", store: msg.Store, depth: int) -> None:
        self._job = job
        self._store = store
        self._depth = depth

    def read(self, node: Node, item: msg.Item, nesting: int) -> None:
        """The mail goes into its own list under the node's id, whatever becomes of its parts."""
        node.kind = "email"
        facts = self._job.tree.mails[node.id] = {}
        headers = safely(lambda: _internet_headers(item), Message())
        facts.update(mails.header_facts(headers) | _own_facts(item, node))
        parts = mails.Parts(self._job, node, facts, headers, self._depth, nesting)
        try:
            parts.run(self._parts(item, node))
        finally:
            parts.judge()
        for number, attachment in enumerate(_some(item, msg.ATTACHMENTS)):
            if (path := attachment.embedded()) is not None:
                self._embedded(node, attachment, path, number, nesting)

    def _parts(self, item: msg.Item, node: Node) -> Iterator[Part]:
        for index, (kind, text) in enumerate(_bodies(item, node)):
            yield Part(index, kind, "", False, text.encode("utf-8", "replace"), text)
        for index, attachment in enumerate(_some(item, msg.ATTACHMENTS), start=10):
            if index >= mail_parts.PARTS:
                node.cut_short("mail-parts", f"Only the first {mail_parts.PARTS} parts of the mail were analysed.")
                return
            if attachment.embedded() is not None:
                continue
            try:
                data = attachment.data(mapi.ATTACH_DATA)
            except msg.TooLarge:
                node.cut_short("mail-size", "An attachment that is too large to be held was not taken out.")
                continue
            except mail_parts.PARSER_ERRORS:
                node.cut_short("damaged", "An attachment could not be read.")
                continue
            if data:
                yield Part(index, "application/octet-stream", _name(attachment), True, data, None)

    def _embedded(self, node: Node, attachment: msg.Item, path: tuple[str, ...], number: int, nesting: int) -> None:
        inner = safely(lambda: msg.Item(self._store, path), None)
        if inner is None:
            node.cut_short("damaged", "An item inside the mail could not be read.")
        elif safely(lambda: attachment.number(mapi.ATTACH_METHOD), None) not in (_EMBEDDED_MAIL, None):
            self._object(node, path, number)
        elif nesting >= mail_parts.NESTING:
            node.cut_short("mail-nesting", f"Mails nested more than {mail_parts.NESTING} deep were not opened.")
        else:
            self._job.budget.spend_file()
            name = _name(attachment) or safely(lambda: inner.text(mapi.SUBJECT), "")[:200] or f"item {number}"
            name = name if name.lower().endswith(".msg") else f"{name}.msg"
            child = self._job.tree.child(node, f"item{number}/{name}", name)
            child.facts["type"] = "application/vnd.ms-outlook"
            self._job.tree.mails[node.id]["attachments"] += (child.id,)
            self.read(child, inner, nesting + 1)

    def _object(self, node: Node, path: tuple[str, ...], number: int) -> None:
        """Neither a file nor a mail but a document of another program, kept as a folder: its streams."""
        self._job.budget.check_depth(self._depth)
        for name in self._store.under(path):
            if self._store.is_folder((*path, name)):
                continue
            data = safely(lambda name=name: self._store.stream((*path, name), msg.DATA_BYTES), b"")  # type: ignore[misc]  # mypy does not infer a lambda's default
            self._job.budget.spend_file()
            self._job.budget.spend_bytes(len(data))
            since = len(self._job.tree.nodes)
            child = self._job.tree.child(node, f"object{number}/{name}", name)
            self._job.examine(child, Content.of_bytes(data), self._depth + 1)
            self._job.tree.prune(since)


def _internet_headers(item: msg.Item) -> Message:
    text = item.text(mapi.INTERNET_HEADERS)[: mail_parts.ALL_HEADERS_BYTES].lstrip("\r\n")
    return Parser(policy=policy.compat32).parsestr(text, headersonly=True)


def _own_facts(item: msg.Item, node: Node) -> dict[str, object]:
    """What the item itself says; it is the sender's or the recipient's Outlook that wrote it."""
    found: dict[str, object] = {
        "subject": safely(lambda: item.text(mapi.SUBJECT), ""),
        "sender": safely(lambda: _sender(item), ""),
        "to": tuple(_recipients(item, node)),
        "date": safely(lambda: item.time(mapi.CLIENT_SUBMIT_TIME) or item.time(mapi.DELIVERY_TIME), None),
    }
    return {name: value for name, value in found.items() if value}


def _sender(item: msg.Item) -> str:
    for name, addresses in (
        (mapi.SENT_NAME, (mapi.SENT_SMTP, mapi.SENT_ADDRESS)),
        (mapi.SENDER_NAME, (mapi.SENDER_SMTP, mapi.SENDER_ADDRESS)),
    ):
        address = next(filter(None, (item.text(number) for number in addresses)), "")
        if shown := _person(item.text(name), address):
            return shown
    return ""


def _recipients(item: msg.Item, node: Node) -> Iterator[str]:
    for number, person in enumerate(_some(item, msg.RECIPIENTS)):
        if number >= mail_parts.ADDRESSES:
            node.cut_short("mail-addresses", f"Only the first {mail_parts.ADDRESSES:,} recipients were read.")
            return
        try:
            shown = _person(person.text(mapi.DISPLAY_NAME), person.text(mapi.SMTP_ADDRESS) or person.text(mapi.ADDRESS))
        except msg.TooLarge:
            node.cut_short("mail-addresses", "A recipient that is too large to be held was left out.")
            continue
        except mail_parts.PARSER_ERRORS:
            continue
        if shown:
            yield shown


def _person(name: str, address: str) -> str:
    name, address = name.strip(" '\"\r\n")[:1000], address.strip()[:1000]
    return f"{name} <{address}>" if address and name and name.lower() != address.lower() else address or name


def _some(item: msg.Item, start: str) -> Iterator[msg.Item]:
    inside = item.inside(start)
    while (found := safely(lambda: next(inside, None), None)) is not None:
        yield found


def _bodies(item: msg.Item, node: Node) -> Iterator[tuple[str, str]]:
    try:
        yield "text/plain", item.text(mapi.BODY)
        yield "text/html", item.text(mapi.HTML)
        plain = rtf.unpacked(item.data(mapi.RTF))
        if page := rtf.html(plain):
            yield "text/html", page
        elif plain:
            yield "text/plain", rtf.text(plain)
    except msg.TooLarge:
        node.cut_short("mail-size", "A body that is too large to be held was left out.")
    except mail_parts.PARSER_ERRORS:
        node.cut_short("damaged", "The text of the mail could not be read whole.")


def _name(attachment: msg.Item) -> str:
    for number in (mapi.ATTACH_LONG_FILENAME, mapi.ATTACH_FILENAME, mapi.DISPLAY_NAME):
        if name := safely(lambda number=number: attachment.text(number), ""):  # type: ignore[misc]  # mypy does not infer a lambda's default
            return str(name)[:1024]
    return ""
