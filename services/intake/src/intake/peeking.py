"""The first look at an attachment, in the sandbox, and what intake makes of what it saw."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakValueDictionary

import structlog

from caseway_catalog import EvidenceRules
from caseway_kit.errors import OutageError
from caseway_kit.objects import ObjectDamaged, ObjectMissing, Objects
from caseway_kit.sandbox import Budget, Sandbox, SandboxUnavailable
from caseway_kit.sandbox.errors import SandboxError
from intake.refusals import Fault
from intake.upload import Upload

PEEK = "caseway_kit.peek:peek"
BUDGET = Budget(wall_seconds=2, cpu_seconds=2, result_bytes=1024 * 1024)
# The catalogue's words for what the peek calls otherwise.
ALSO_BY_TYPE = {"pdf": "application/pdf"}

GLANCES_KEPT = 500
MEMBERS_KEPT = 50

log = structlog.get_logger()


@dataclass(frozen=True)
class Glance:
    """What the peek saw; ``facts`` is None when it could not see, which only the analysis can make good."""

    facts: Mapping[str, Any] | None


class Peek(Protocol):
    async def look(self, upload: Upload, password: str | None) -> Glance | None:
        """None when the bytes are not there any more, or are not those that were uploaded."""


class SandboxPeek:
    def __init__(self, sandbox: Sandbox, objects: Objects, scratch: Path) -> None:
        self._sandbox = sandbox
        self._objects = objects
        self._scratch = scratch
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def look(self, upload: Upload, password: str | None) -> Glance | None:
        path = self._scratch / f"peek-{secrets.token_hex(8)}"
        passwords = [password] if password else []
        try:
            await self._objects.fetch(upload.key, path, upload.sha256)
            # One at a time of an account: whoever sends many that take long keeps nobody else waiting.
            async with self._turns.setdefault(upload.account_id, asyncio.Lock()):
                facts = await self._sandbox.run(PEEK, upload.name, passwords, sample=path, budget=BUDGET)
        except (ObjectMissing, ObjectDamaged) as gone:
            log.error("an upload is not what it was", upload=upload.upload_id, error=type(gone).__name__)
            return None
        except SandboxError as stopped:
            log.warning("a peek saw nothing", upload=upload.upload_id, error=type(stopped).__name__)
            return Glance(None)
        except SandboxUnavailable as error:
            raise OutageError("sandbox", str(error)) from error
        except OSError as error:
            raise OutageError("scratch space", type(error).__name__) from error
        finally:
            path.unlink(missing_ok=True)
        return Glance(facts)


class RememberingPeek:
    """Looks once at what a form asks about again and again before it is submitted."""

    def __init__(self, peek: Peek, *, most: int = GLANCES_KEPT) -> None:
        self._peek = peek
        self._most = most
        self._kept: OrderedDict[tuple[str, str | None], Glance] = OrderedDict()

    async def look(self, upload: Upload, password: str | None) -> Glance | None:
        # An upload's bytes and name never change once it is ready, and only then is it looked at.
        key = (upload.upload_id, password)
        if (known := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return known
        glance = await self._peek.look(upload, password)
        # What stopped a look may not stop the next one; what is long belongs to an odd archive.
        if glance is not None and glance.facts is not None and len(glance.facts.get("members", ())) <= MEMBERS_KEPT:
            self._kept[key] = glance
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return glance


def kind_of(glance: Glance, rules: EvidenceRules) -> str:
    if glance.facts is not None:
        return str(glance.facts["kind"])
    kinds = rules.attachment_kinds
    return kinds[0] if kinds and "file" not in kinds else "file"


def faults_of(glance: Glance, rules: EvidenceRules, at: str) -> list[Fault]:
    """Why an attachment is refused at once; ``at`` points to it. What could not be seen is not refused."""
    facts = glance.facts
    if facts is None:
        return []
    state = facts["state"]
    if state == "empty":
        says = "The archive holds no files." if facts["archive"] else "The file is empty."
        return [Fault(at, "archive.empty", says, "Check what was packed, and upload it again.")]
    if state == "unreadable":
        says = "The archive can't be read: it is damaged or of an unknown format."
        return [Fault(at, "archive.unreadable", says, "Pack the files into a zip again, and upload that.")]
    if state == "unsupported_encryption":
        says = "This kind of encryption can't be opened here."
        help_text = "Pack the files into a zip that is protected with a password (ZipCrypto or AES)."
        return [Fault(at, "archive.unreadable", says, help_text)]
    if state == "wrong_password":
        says = "The password does not open the archive, nor do infected, virus and novirus."
        help_text = "Type the password that the archive was made with."
        return [Fault(f"{at}/password", "archive.wrong_password", says, help_text)]
    if state == "needs_password":
        says = "The archive needs a password; infected, virus and novirus do not open it."
        return [Fault(f"{at}/password", "archive.wrong_password", says, "Give the archive's password here.")]
    return [*_bare(facts, rules, at), *_forwarded(facts, rules, at)]


def _bare(facts: Mapping[str, Any], rules: EvidenceRules, at: str) -> list[Fault]:
    protect = "Put it into a zip that is protected with a password, for example infected, and upload the zip."
    if rules.original_mails_in_protected_zip and facts["kind"] == "email":
        if facts["archive"] and facts["encrypted"]:
            return []
        return [Fault(at, "attachment.bare", "E-mails are only taken inside a password-protected zip.", protect)]
    # Log packages of the toolkit are taken as it makes them.
    if not rules.refuse_bare_susceptible or facts["kind"] == "attk_log":
        return []
    names = [found["name"] for found in facts["susceptible"] if not found["protected"]]
    if not names and not _also(facts, rules):
        return []
    says = "A file of this type is only taken inside a password-protected archive."
    if facts["archive"] and names:
        says = f"The archive holds {str(names[0])[:100]!r}, which is only taken when the archive has a password."
    return [Fault(at, "attachment.bare", says, protect)]


def _also(facts: Mapping[str, Any], rules: EvidenceRules) -> bool:
    if facts["archive"]:
        return False
    return any(facts["type"] == ALSO_BY_TYPE.get(also) or facts["family"] == also for also in rules.also_susceptible)


def _forwarded(facts: Mapping[str, Any], rules: EvidenceRules, at: str) -> list[Fault]:
    if not rules.original_mails_in_protected_zip or not facts["forwarded"]:
        return []
    says = f"{str(facts['forwarded'][0])[:100]!r} is a forwarded copy; its headers are not the original's."
    help_text = "Save the original mail as .eml or .msg in the mailbox that received it, and send that."
    return [Fault(at, "mail.forwarded", says, help_text)]
