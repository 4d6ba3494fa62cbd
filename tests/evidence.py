"""Evidence that the tests make themselves: harmless, with the shape of what customers send."""

import io
import zipfile
from email.message import EmailMessage

import pyzipper

from caseway_embedded.demo.samples import ASSESS_REPORT, EICAR, SCAN_REPORT
from caseway_kit.archives.writing import protected_zip

__all__ = ["ASSESS_REPORT", "EICAR", "SCAN_REPORT", "aes_zip", "attk_zip", "mail", "plain_zip", "zipcrypto_zip"]


def aes_zip(members: dict[str, bytes], password: str) -> bytes:
    """As other people's tools make them: not with the library that reads them."""
    packed = io.BytesIO()
    with pyzipper.AESZipFile(packed, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(password.encode())
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def zipcrypto_zip(members: dict[str, bytes], password: str) -> bytes:
    return protected_zip(members, password, encryption="zipcrypt")


def plain_zip(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def attk_zip() -> bytes:
    return plain_zip({"irobot/Log/scanreport.xml": SCAN_REPORT, "irobot/Log/assessreport.xml": ASSESS_REPORT})


def mail(
    subject: str = "Overdue invoice",
    text: str = "Please pay at http://phishing.test/login now.",
    attachments: dict[str, bytes] | None = None,
) -> bytes:
    """An original mail, with the headers of its way."""
    message = EmailMessage()
    message["Received"] = "from mail.sender.example by mx.customer.example; Mon, 05 Jan 2026 09:00:00 +0000"
    message["Authentication-Results"] = "mx.customer.example; spf=fail; dkim=none; dmarc=fail"
    message["From"] = "Accounts <billing@sender.example>"
    message["To"] = "ann@customer.example"
    message["Subject"] = subject
    message["Date"] = "Mon, 05 Jan 2026 09:00:00 +0000"
    message["Message-ID"] = "<1@sender.example>"
    message.set_content(text)
    for name, content in (attachments or {}).items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()
