"""ClamAV's word on every piece of bytes that the engines found, by clamd."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, cast

from aioclamd import BufferTooLongError, ClamdAsyncClient, ClamdError

from caseway_contracts.kinds import Verdict, worst_verdict
from caseway_contracts.results import Limit, Reason
from caseway_kit.errors import OutageError

SECONDS = 120
# What ClamAV itself calls a guess, or unwanted rather than harmful.
_GUESS = re.compile(r"(?i)^(?:heuristics|pua)\.")

Found = dict[str, Any]


class TooLarge(Exception):
    """clamd takes no file of this size."""


class Antivirus(Protocol):
    """A scanner for bytes. Its methods raise OutageError."""

    async def version(self) -> str: ...

    async def scan(self, data: BinaryIO) -> str | None:
        """The signature that matched; raises TooLarge."""


class Clamd:
    def __init__(self, host: str, port: int) -> None:
        self._client = ClamdAsyncClient(host, port, timeout=SECONDS)

    async def version(self) -> str:
        """Of the engine and of its signatures, as in ``1.4.6/27000``."""
        try:
            answer = str(await self._client.version())
        except ClamdError as error:
            raise OutageError("clamd", str(error)) from error
        name, *rest = answer.removeprefix("ClamAV ").split("/")
        return "/".join([name, *rest[:1]])

    async def scan(self, data: BinaryIO) -> str | None:
        try:
            answer = await self._client.instream(data)
        except BufferTooLongError as error:
            raise TooLarge from error
        except ClamdError as error:
            raise OutageError("clamd", str(error)) from error
        if not answer:
            raise OutageError("clamd", "it gave no answer")
        status, signature = next(iter(answer.values()))
        return str(signature) if status == "FOUND" else None


@dataclass
class Slice:
    """A part of a file as a file of its own, read by its descriptor: many can be read side by side."""

    fd: int
    offset: int
    left: int

    def read(self, size: int = -1) -> bytes:
        data = os.pread(self.fd, self.left if size < 0 else min(size, self.left), self.offset)
        self.offset += len(data)
        self.left -= len(data)
        return data


async def judge(antivirus: Antivirus, version: str, found: Found, spilled: int) -> Found:
    """What the antivirus says of each piece in the file ``spilled``, as ``found["spilled"]`` lists them, is put in."""
    scanned: dict[str, str] = {}
    limits: dict[str, Limit] = {}
    for node, offset, size in _listed(found.pop("spilled", ()), os.fstat(spilled).st_size):
        try:
            signature = await antivirus.scan(cast(BinaryIO, Slice(spilled, offset, size)))
        except TooLarge:
            limits[node] = Limit(limit="antivirus-bytes", says="The antivirus engine takes no file of this size.")
        else:
            if signature:
                scanned[node] = signature
    return with_detections(found, scanned, limits, version)


def with_detections(found: Found, detections: Mapping[str, str], limits: Mapping[str, Limit], version: str) -> Found:
    """The reasons of the detected, and the verdicts of all that holds them raised."""
    files = {file["id"]: file for file in found.get("files", ())}
    for node, signature in detections.items():
        if (file := files.get(node)) and file["verdict"] != "clean":
            verdict: Verdict = "suspicious" if _GUESS.match(signature) else "malicious"
            says = f"ClamAV knows this as {signature}."
            file["reasons"].append(Reason(engine="clamav", version=version, rule=signature, says=says).model_dump())
            _raise(files, file, verdict)
    for node, limit in limits.items():
        if node in files:
            files[node]["limits"].append(limit.model_dump())
    for one in (*found.get("emails", ()), *found.get("attk_logs", ())):
        if file := files.get(one["id"]):
            one.update(verdict=file["verdict"], reasons=file["reasons"], limits=file["limits"])
    return found


def _raise(files: Mapping[str, Any], file: Found, verdict: Verdict) -> None:
    file["verdict"] = worst_verdict([file["verdict"], verdict])
    inside = file
    seen = {file["id"]}
    while (parent := files.get(inside["parent_id"])) and parent["id"] not in seen:
        seen.add(parent["id"])
        if worst_verdict([parent["verdict"], verdict]) == parent["verdict"]:
            return
        parent["verdict"] = verdict
        says = f"Something inside is {verdict}."
        reason = Reason(engine="caseway-analysis", version="1", rule="worst-inside", where=inside["name"], says=says)
        parent["reasons"].append(reason.model_dump())
        inside = parent


def _listed(index: Any, size: int) -> Iterator[tuple[str, int, int]]:
    """What comes out of a child may have any shape."""
    for entry in index if isinstance(index, Sequence) else ():
        match entry:
            case [str(node), int(offset), int(length)] if 0 <= offset <= offset + length <= size:
                yield node, offset, length
