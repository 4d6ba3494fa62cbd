"""Encrypted documents of Office, opened with the passwords that are known."""

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

import msoffcrypto
import msoffcrypto.exceptions

from caseway_kit.archives import signatures
from caseway_kit.archives.passwords import STANDARD
from sample_analysis.engines.inspection import Inspection

# Excel encrypts with the first of these when a workbook is only write-protected, PowerPoint with the second.
BUILT_IN = ("VelvetSweatshop", "/01Hannes Ruescher/01")
# Office cuts longer ones off.
LONGEST = 255


def decrypt(inspection: Inspection) -> None:
    """The opened document becomes a child with the name of the closed one."""
    data = inspection.content.head(inspection.content.size)
    try:
        document = msoffcrypto.OfficeFile(io.BytesIO(data))
        if not document.is_encrypted():
            return
    except Exception:
        # Not a document, or one that this library does not know: what else was found stands.
        if inspection.found.mime == "application/x-encrypted-office":
            inspection.node.not_analyzed("password", "Encrypted in a way that cannot be opened here.")
        return
    password, opened = _open(document, inspection)
    if opened is None:
        inspection.lock()
        return
    inspection.tell("encrypted-document", "The document is encrypted with a password.")
    which = "is built into Office" if password in BUILT_IN else "is known"
    inspection.tell("opened-document", f"It was opened with a password that {which}; its content was analysed.")
    inspection.take_out("decrypted", inspection.node.name, opened)


def candidates(passwords: Sequence[str]) -> Iterator[str]:
    """The customer's first: a wrong guess costs a good part of a second."""
    yield from dict.fromkeys(word[:LONGEST] for word in (*passwords, *BUILT_IN, "", *STANDARD, "password", "1234"))


def _open(document: "msoffcrypto.format.base.BaseOfficeFile", inspection: Inspection) -> tuple[str, bytes | None]:
    limits = inspection.job.budget.limits
    started = time.monotonic()
    for tried, password in enumerate(candidates(inspection.passwords)):
        if tried >= limits.password_tries:
            break
        if time.monotonic() - started > limits.password_seconds:
            inspection.node.cut_short("password-time", "Not all passwords could be tried in the time there is.")
            break
        out = io.BytesIO()
        # The library raises its own errors for a wrong password and any other for a damaged document.
        with suppress(Exception):
            # Its own check of a password refuses right ones where the hash is shorter than the cipher's block.
            document.load_key(password=password)
            document.decrypt(out)
            if out.getvalue()[:8].startswith((*signatures.ZIP_MAGICS, signatures.OLE_MAGIC)):
                return password, out.getvalue()
    return "", None
