"""ClamAV's word on every piece of bytes that the engines found, by clamd."""

import asyncio
import os
import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from caseway_contracts.kinds import Verdict, worst_verdict
from caseway_contracts.results import AttkLogResult, EmailResult, FileResult, Limit, Reason
from caseway_kit.errors import OutageError
from sample_analysis.clamd import NotScanned, Source
from sample_analysis.findings import NoResult

# For all that one submitted piece holds.
SECONDS = 120.0
# What ClamAV itself calls a guess, or unwanted rather than harmful.
_GUESS = re.compile(r"(?i)^(?:heuristics|pua)\.")
_NOT_ALL = re.compile(r"(?i)^heuristics\.limits\.exceeded")
_TOO_LARGE = Limit(limit="antivirus-bytes", says="The antivirus engine takes no file of this size.")
_FAILED = Limit(limit="antivirus-failed", says="The antivirus engine could not look at it.")
_NOT_WHOLE = Limit(limit="antivirus-limits", says="The antivirus engine looked at a part of it only.")
_TOO_LATE = Limit(limit="antivirus-time", says=f"The antivirus engine had not looked at it within {SECONDS:g} seconds.")

Found = dict[str, Any]


class Session(Protocol):
    """Its methods raise OutageError."""

    async def version(self) -> str: ...

    async def scan(self, data: Source) -> str | None:
        """The signature that matched; raises NotScanned."""


class Antivirus(Protocol):
    def session(self) -> AbstractAsyncContextManager[Session]:
        """Raises OutageError."""


class Spilled(BaseModel):
    """What comes out of a child may have any shape: this is as much of it as we work with."""

    model_config = ConfigDict(extra="allow")

    files: list[FileResult] = []
    emails: list[EmailResult] = []
    attk_logs: list[AttkLogResult] = []
    engines: list[str] = []
    spilled: list[tuple[str, int, int]] = []


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


@dataclass
class Answers:
    """What one version of the antivirus says of each piece: a signature, nothing, or why it can't say."""

    version: str = ""
    by_node: dict[str, str | Limit | None] = field(default_factory=dict)


async def version(antivirus: Antivirus) -> str:
    async with antivirus.session() as session:
        return await session.version()


async def judge(antivirus: Antivirus, found: Found, spilled: int) -> Found:
    """What the antivirus says of each piece in the file ``spilled``, as ``found["spilled"]`` lists them, is put in.

    Raises NoResult where ``found`` is none, and OutageError.
    """
    try:
        checked = Spilled.model_validate(found)
    except ValidationError as error:
        raise NoResult(f"{error.error_count()} fields are wrong") from None
    size = os.fstat(spilled).st_size
    pieces = {node: (at, left) for node, at, left in checked.spilled if 0 <= at <= at + left <= size}
    answers = Answers()
    try:
        await asyncio.wait_for(_ask(antivirus, pieces, spilled, answers), SECONDS)
    except TimeoutError:
        if not answers.version:
            raise OutageError("clamd", "it gave no answer") from None
    plain = checked.model_dump(mode="json", by_alias=True, exclude={"spilled"})
    plain["engines"].append(f"clamav/{answers.version}")
    return with_answers(plain, {node: answers.by_node.get(node, _TOO_LATE) for node in pieces}, answers.version)


async def _ask(antivirus: Antivirus, pieces: Mapping[str, tuple[int, int]], fd: int, answers: Answers) -> None:
    """Until one version, the same before and after, has answered about all."""
    while True:
        async with antivirus.session() as session:
            if (now := await session.version()) != answers.version:
                answers.version, answers.by_node = now, {}
            elif answers.by_node.keys() == pieces.keys():
                return
            for node in [node for node in pieces if node not in answers.by_node]:
                try:
                    answers.by_node[node] = await session.scan(Slice(fd, *pieces[node]))
                except NotScanned as error:
                    answers.by_node[node] = _TOO_LARGE if error.too_large else _FAILED
                    break


def with_answers(found: Found, answers: Mapping[str, str | Limit | None], version: str) -> Found:
    """The reasons of the detected, and the verdicts of all that holds them raised."""
    files = {file["id"]: file for file in found["files"]}
    for node, answer in answers.items():
        if answer is None or (file := files.get(node)) is None:
            continue
        if isinstance(answer, Limit) or _NOT_ALL.match(answer):
            file["limits"].append((answer if isinstance(answer, Limit) else _NOT_WHOLE).model_dump())
        elif file["verdict"] != "clean":
            verdict: Verdict = "suspicious" if _GUESS.match(answer) else "malicious"
            says = f"ClamAV knows this as {answer}."
            file["reasons"].append(Reason(engine="clamav", version=version, rule=answer, says=says).model_dump())
            _raise(files, file, verdict)
    for one in (*found["emails"], *found["attk_logs"]):
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
