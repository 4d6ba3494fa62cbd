"""Outlook's own form of a mail, ``.msg``, brought into the parts that every mail has."""

import io
from collections.abc import Iterator
from email.message import Message as InternetMail
from functools import partial
from typing import TYPE_CHECKING

import oxmsg
from oxmsg.attachment import Attachment

from caseway_kit.archives import Content, FileType
from sample_analysis.engines import mail_parts
from sample_analysis.engines.mail_parts import PARSED_BYTES, Part, safely
from sample_analysis.engines.mails import Parts
from sample_analysis.engines.tree import Node

if TYPE_CHECKING:
    from sample_analysis.engines.files import Job


def read(job: "Job", node: Node, content: Content, _found: FileType, depth: int, nesting: int) -> None:
    """The mail goes into its own list under the node's id, whatever becomes of its parts."""
    node.kind = "email"
    facts = job.tree.mails[node.id] = {}
    mail = safely(lambda: oxmsg.Message.load(io.BytesIO(content.head(PARSED_BYTES))), None)
    if mail is None:
        node.cut_short("damaged", "The mail is built in a way that could not be taken apart.")
        return
    facts.update(_headers(mail))
    Parts(job, node, facts, depth, nesting).run(_parts(mail, node))


def _headers(mail: oxmsg.Message) -> dict[str, object]:
    internet = InternetMail()
    for name, value in safely(lambda: mail.message_headers, {}).items():
        internet[name] = value
    sent = safely(lambda: mail.sent_date, None)
    recipients = safely(lambda: list(mail.recipients), [])[: mail_parts.ADDRESSES]
    return {
        "subject": safely(lambda: mail.subject, None) or mail_parts.header(internet, "Subject"),
        "sender": safely(lambda: mail.sender, None) or mail_parts.header(internet, "From"),
        "to": tuple(filter(None, (safely(partial(getattr, each, "email_address"), "") for each in recipients))),
        "date": sent.isoformat() if sent is not None else mail_parts.date(internet),
        "authentication": mail_parts.authentication(internet),
    }


def _parts(mail: oxmsg.Message, node: Node) -> Iterator[Part]:
    text = safely(lambda: mail.body, None) or ""
    page = safely(lambda: mail.html_body, None) or ""
    yield Part(0, "text/plain", "", False, text.encode("utf-8", "replace"), text)
    yield Part(1, "text/html", "", False, page.encode("utf-8", "replace"), page)
    attachments = safely(lambda: list(mail.attachments), [])
    for index, attachment in enumerate(attachments[: mail_parts.PARTS], start=2):
        if (data := _bytes(attachment)) is None:
            node.cut_short("embedded-item", "An item of Outlook inside the mail was not taken out.")
            continue
        name = safely(partial(getattr, attachment, "file_name"), None) or ""
        yield Part(index, "application/octet-stream", name[:1024], True, data, None)


def _bytes(attachment: Attachment) -> bytes | None:
    """None for a mail or an object that is stored as a folder of its own."""
    by_value = safely(lambda: attachment.attached_by_value, False)
    return safely(lambda: attachment.file_bytes, None) or None if by_value else None
