"""A mail: what its headers say, its attachments as children, its URLs."""

from collections.abc import Iterable
from email.message import Message
from typing import TYPE_CHECKING, Any

from caseway_contracts.kinds import Verdict
from caseway_contracts.results import Reason
from caseway_kit.archives import Content, FileType, detect
from sample_analysis.engines import mail_parts, names, team_rules, urls, yara
from sample_analysis.engines.mail_parts import Part
from sample_analysis.engines.mailing import authentication, dkim, passwords, reasons, received, sections, union
from sample_analysis.engines.tree import Node

if TYPE_CHECKING:
    from sample_analysis.engines.files import Job

VERSION = "2"
URLS_KEPT = 1000
_EXTENSIONS = {"message/rfc822": ".eml", "text/html": ".html", "text/plain": ".txt"}


def is_mail(found: FileType, content: Content, *, called_one: bool) -> bool:
    """``called_one``: whoever sent it says so, so that a mail without a header that is known counts too."""
    if found.mime == "message/rfc822":
        return True
    return called_one and (found.mime.startswith("text/") or sections.from_utf16(content.head()) is not None)


def is_outlook(found: FileType, name: str, *, called_one: bool) -> bool:
    """A large one has its directory, which says what it is, further back than is looked for it."""
    if found.mime == "application/vnd.ms-outlook":
        return True
    return found.mime == "application/x-ole-storage" and (called_one or name.lower().endswith(".msg"))


def read(job: "Job", node: Node, content: Content, _found: FileType, depth: int, nesting: int) -> None:
    """The mail goes into its own list under the node's id, whatever becomes of its parts."""
    node.kind = "email"
    facts = job.tree.mails[node.id] = {}
    data = content.head(mail_parts.PARSED_BYTES)
    data = sections.from_utf16(data) or data
    mail, stopped = mail_parts.parse(Content.of_bytes(data))
    if content.size > mail_parts.PARSED_BYTES or stopped == "mail-size":
        node.cut_short("mail-size", "The mail is too large: only its beginning was taken apart.")
    if stopped == "mail-time":
        node.cut_short("mail-time", "The mail takes too long to be read: only its beginning was taken apart.")
    if mail is None:
        mail = mail_parts.only_header(data)
        node.cut_short("damaged", "The mail is built in a way that could not be taken apart in order.")
    facts.update(header_facts(mail))
    facts["authentication"]["dkim_verified"] = dkim.verified(data, team_rules.in_force.lists.dkim_keys)
    for limit, says in mail_parts.cuts(mail):
        node.cut_short(limit, says)
    parts = Parts(job, node, facts, mail, depth, nesting)
    try:
        parts.run(mail_parts.read_part(message, index) for index, message in mail_parts.leaves(mail))
        parts.run_extras(union.extras(data, job.taken_from_mails))
    finally:
        parts.judge()


def header_facts(mail: Message) -> dict[str, Any]:
    stated = authentication.stated(mail)
    hops = received.chain(mail_parts.headers(mail, "Received"))
    return {
        "subject": mail_parts.header(mail, "Subject"),
        "sender": ", ".join(mail_parts.addresses(mail, "From")),
        "to": tuple(mail_parts.addresses(mail, "To")),
        "reply_to": tuple(mail_parts.addresses(mail, "Reply-To")),
        "date": mail_parts.date(mail),
        "received": tuple(
            {
                "sender": hop.sender,
                "address": hop.address,
                "receiver": hop.receiver,
                "at": hop.at.isoformat() if hop.at else None,
                "gap": gap,
            }
            for hop, gap in zip(hops, received.gaps(hops), strict=True)
        ),
        "authentication": {
            **{name: stated.results[name] for name in ("spf", "dkim", "dmarc") if name in stated.results},
            "arc": stated.arc,
            "by": stated.by,
        },
    }


class Parts:
    """What the parts of a mail of either form are made into."""

    def __init__(
        self, job: "Job", node: Node, facts: dict[str, Any], header: Message, depth: int, nesting: int
    ) -> None:
        self._job = job
        self._node = node
        self._facts = facts
        self._header = header
        self._depth = depth
        self._nesting = nesting
        self._attachments: list[str] = []
        self._urls: dict[str, str] = {}
        self._names: set[str] = set()
        self._words = reasons.Words()
        self._archives = 0

    def run(self, parts: Iterable[Part]) -> None:
        """Texts first: a password that stands below an archive opens it too."""
        count, attached = 0, []
        try:
            for part in parts:
                count += 1
                self._read(part)
                if part.attached:
                    attached.append(part)
            if attached:
                words = passwords.guesses(self._words.texts)
                self._job.guesses = tuple(dict.fromkeys((*words, *self._job.guesses)))
            for part in attached:
                self._attach(part)
        finally:
            self._state()
        if count >= mail_parts.PARTS:
            self._node.cut_short("mail-parts", f"Only the first {mail_parts.PARTS} parts of the mail were analysed.")

    def run_extras(self, extras: Iterable[union.Extra]) -> None:
        """What has no name of its own and says nothing is not listed: most of it is a part cut in another way."""
        try:
            for number, extra in enumerate(extras):
                since = len(self._job.tree.nodes)
                part = _extra_part(number, extra)
                known = not part.name or part.name in self._names or extra.reading == "base64-run"
                self._read(part)
                if part.attached:
                    self._attach(part)
                if known:
                    self._job.tree.prune(since)
                if len(self._job.tree.nodes) > since:
                    self._node.found(_READ_DIFFERENTLY[extra.reading])
        finally:
            ids = {node.id for node in self._job.tree.nodes}
            self._attachments = [each for each in self._attachments if each in ids]
            self._state()

    def judge(self) -> None:
        """What speaks for fraud, when all parts are known; together they may weigh enough for a verdict."""
        words, facts = self._words, self._facts
        words.sender, words.subject = facts.get("sender", ""), facts.get("subject", "")
        words.reply_to = facts.get("reply_to", ())
        words.authentication = facts.get("authentication", {})
        words.links = list(self._urls)
        words.has_archive = bool(self._archives)
        found = list(reasons.signs(words))
        weight = sum(sign.weight for sign in found)
        for sign in found:
            verdict: Verdict = "suspicious" if sign.weight and weight >= reasons.SUSPICIOUS else "unknown"
            self._node.found(_reason(sign.rule, sign.says, where=sign.where), verdict)

    def _state(self) -> None:
        self._facts["attachments"] = tuple(self._attachments)
        self._facts["urls"] = tuple(self._urls.values())

    def _read(self, part: Part) -> None:
        self._job.taken_from_mails.add(part.payload)
        if part.text is not None:
            self._find_urls(part)
            (self._words.pages if part.content_type == "text/html" else self._words.texts).append(part.text)
        if not part.attached and part.payload:
            # A body is no file to anybody, but the rules look at it as they do at one.
            yara.scan(self._node, Content.of_bytes(part.payload), where=f"part {part.index}")

    def _attach(self, part: Part) -> None:
        if part.content_type == "message/partial":
            self._node.cut_short("partial-mail", "A piece of a mail that was sent in several: the others are not here.")
        nested = part.content_type == "message/rfc822"
        if not nested:
            self._job.budget.check_depth(self._depth)
        elif self._nesting >= mail_parts.NESTING:
            self._node.cut_short("mail-nesting", f"Mails nested more than {mail_parts.NESTING} deep were not opened.")
            return
        self._names.add(part.name)
        self._job.budget.spend_file()
        self._job.budget.spend_bytes(len(part.payload))
        name = part.name or f"{part.reading or 'part'} {part.index}{_EXTENSIONS.get(part.content_type, '')}"
        child = self._job.tree.child(self._node, f"{part.reading}{part.index}/{name}", name)
        self._attachments.append(child.id)
        # A mail inside a mail is as deep as the mail around it: forwarding is not packing.
        deeper = (0, 1) if nested else (1, 0)
        content = Content.of_bytes(part.payload)
        self._job.examine(child, content, self._depth + deeper[0], self._nesting + deeper[1])
        self._archives += detect(content, child.name).family == "archive"
        _judge_names(child, content, part.other_names)

    def _find_urls(self, part: Part) -> None:
        find = urls.in_html if part.content_type == "text/html" else urls.in_text
        for url in urls.unwrapped(find(part.text or "")):
            if url in self._urls:
                continue
            if len(self._urls) >= URLS_KEPT:
                self._job.tree.urls_truncated = True
                self._node.cut_short("urls", f"Only the first {URLS_KEPT:,} links of the mail were kept.")
                return
            self._urls[url] = self._job.tree.add_url(self._node, url)


def _judge_names(child: Node, content: Content, others: tuple[str, ...]) -> None:
    """Each other name as if it were the only one, as it is to the programs that show it."""
    endings = {name.rpartition(".")[2].lower() for name in (child.name, *others)}
    if len(endings) == 1:
        return
    child.found(_reason("two-names", f"Other programs call it otherwise: {', '.join(others)[:200]}.", where="name"))
    for name in others:
        shadow = Node(id=child.id, parent_id=None, name=name)
        names.judge(shadow, detect(content, name))
        for reason in shadow.reasons:
            child.found(reason, shadow.own)


def _extra_part(number: int, extra: union.Extra) -> Part:
    is_text = extra.content_type in ("text/plain", "text/html") and not extra.attached
    text = mail_parts.text_of(extra.payload) if is_text else None
    return Part(
        number,
        extra.content_type,
        mail_parts.decoded(extra.name)[:1024],
        not is_text,
        extra.payload,
        text,
        extra.reading,
    )


def _reason(rule: str, says: str, where: str = "") -> Reason:
    return Reason(engine="caseway-mail", version=VERSION, rule=rule, where=where, says=says)


_DIFFERENTLY = _reason(
    "ambiguous-mail", "Programs take this mail apart in different ways; what any of them finds was analysed."
)
_PACKED = _reason("packed-in-text", "A file is packed inside the text of the mail; it was taken out and analysed.")
_READ_DIFFERENTLY = {
    "plain": _DIFFERENTLY,
    "base64": _DIFFERENTLY,
    "quoted-printable": _DIFFERENTLY,
    "uuencode": _PACKED,
    "yenc": _PACKED,
    "base64-run": _PACKED,
}
