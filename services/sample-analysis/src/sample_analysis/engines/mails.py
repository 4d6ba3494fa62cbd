"""A mail: what its headers say, its attachments as children, its URLs."""

from collections.abc import Iterable
from email.message import Message
from typing import TYPE_CHECKING

from caseway_kit.archives import Content, FileType
from sample_analysis.engines import mail_parts, urls, yara
from sample_analysis.engines.mail_parts import Part
from sample_analysis.engines.tree import Node

if TYPE_CHECKING:
    from sample_analysis.engines.files import Job

URLS_KEPT = 1000
_EXTENSIONS = {"message/rfc822": ".eml", "text/html": ".html", "text/plain": ".txt"}


def read(job: "Job", node: Node, content: Content, _found: FileType, depth: int, nesting: int) -> None:
    """The mail goes into its own list under the node's id, whatever becomes of its parts."""
    node.kind = "email"
    facts = job.tree.mails[node.id] = {}
    mail, whole = mail_parts.parse(content)
    if mail is None:
        node.cut_short("damaged", "The mail is built in a way that could not be taken apart.")
        return
    if not whole:
        node.cut_short("mail-size", "The mail is too large or too nested: only its beginning was taken apart.")
    facts.update(_headers(mail))
    Parts(job, node, facts, depth, nesting).run(
        mail_parts.read_part(message, index) for index, message in mail_parts.leaves(mail)
    )


def _headers(mail: Message) -> dict[str, object]:
    return {
        "subject": mail_parts.header(mail, "Subject"),
        "sender": ", ".join(mail_parts.addresses(mail, "From")),
        "to": tuple(mail_parts.addresses(mail, "To")),
        "date": mail_parts.date(mail),
        "authentication": mail_parts.authentication(mail),
    }


class Parts:
    """What the parts of a mail of either form are made into."""

    def __init__(self, job: "Job", node: Node, facts: dict[str, object], depth: int, nesting: int) -> None:
        self._job = job
        self._node = node
        self._facts = facts
        self._depth = depth
        self._nesting = nesting
        self._attachments: list[str] = []
        self._urls: dict[str, str] = {}

    def run(self, parts: Iterable[Part]) -> None:
        count = 0
        try:
            for part in parts:
                count += 1
                self._read(part)
        finally:
            self._facts["attachments"] = tuple(self._attachments)
            self._facts["urls"] = tuple(self._urls.values())
        if count >= mail_parts.PARTS:
            self._node.cut_short("mail-parts", f"Only the first {mail_parts.PARTS} parts of the mail were analysed.")

    def _read(self, part: Part) -> None:
        if part.text is not None:
            self._find_urls(part)
        if part.attached:
            self._attach(part)
        elif part.payload:
            # A body is no file to anybody, but the rules look at it as they do at one.
            yara.scan(self._node, Content.of_bytes(part.payload), where=f"part {part.index}")

    def _attach(self, part: Part) -> None:
        nested = part.content_type == "message/rfc822"
        if not nested:
            self._job.budget.check_depth(self._depth)
        elif self._nesting >= mail_parts.NESTING:
            self._node.cut_short("mail-nesting", f"Mails nested more than {mail_parts.NESTING} deep were not opened.")
            return
        self._job.budget.spend_file()
        self._job.budget.spend_bytes(len(part.payload))
        name = part.name or f"part {part.index}{_EXTENSIONS.get(part.content_type, '')}"
        child = self._job.tree.child(self._node, f"{part.index}/{name}", name)
        self._attachments.append(child.id)
        # A mail inside a mail is as deep as the mail around it: forwarding is not packing.
        deeper = (0, 1) if nested else (1, 0)
        self._job.examine(child, Content.of_bytes(part.payload), self._depth + deeper[0], self._nesting + deeper[1])

    def _find_urls(self, part: Part) -> None:
        find = urls.in_html if part.content_type == "text/html" else urls.in_text
        for url in find(part.text or ""):
            if url in self._urls:
                continue
            if len(self._urls) >= URLS_KEPT:
                self._job.tree.urls_truncated = True
                self._node.cut_short("urls", f"Only the first {URLS_KEPT:,} links of the mail were kept.")
                return
            self._urls[url] = self._job.tree.add_url(self._node, url)
