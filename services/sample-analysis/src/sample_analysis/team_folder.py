"""The folder where teams keep rules and lists: what changes there is checked, and then in force without a restart."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog

from caseway_kit.errors import OutageError
from caseway_kit.sandbox import Budget, ParserError, Preload, SandboxCrash, SandboxLimit, SandboxUnavailable
from sample_analysis.team_files import is_rules, list_kind

CHECK = "sample_analysis.engines.team_rules:check"
LOAD = "sample_analysis.engines.team_rules:load"
MOST_BYTES = 64 * 1024 * 1024
SECONDS_BETWEEN_LOOKS = 5

log = structlog.get_logger()


class Sandbox(Protocol):
    """What we use of the kit's sandbox."""

    async def run(self, function: str, *args: object, sample: Path | None = None, budget: Budget = ...) -> Any: ...
    async def renew(self, preload: Sequence[Preload]) -> None: ...


@dataclass(frozen=True)
class Refused:
    """A state of the folder that was not put in force, and why."""

    digest: str
    problems: tuple[str, ...]


class TeamFolder:
    """``refused`` is None while what lies in the folder is in force; ``files`` are those in force."""

    def __init__(
        self,
        folder: Path,
        *,
        sandbox: Sandbox,
        scratch: Path,
        preload: Sequence[Preload],
        budget: Budget,
        renewed: Callable[[], Awaitable[None]],
    ) -> None:
        self._folder = folder
        self._sandbox = sandbox
        self._snapshots = scratch
        self._preload = preload
        self._budget = budget
        self._renewed = renewed
        self._in_force = _digest({})
        self.files: tuple[str, ...] = ()
        self.refused: Refused | None = None

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            await self.look()

    async def look(self) -> None:
        """Put in force what changed in the folder; what can't be used is told in the log and leaves all as it was."""
        try:
            texts = await asyncio.to_thread(_read, self._folder)
        except (OSError, ValueError) as error:
            self._refuse("unreadable", [str(error)])
            return
        digest = _digest(texts)
        if digest == self._in_force:
            self.refused = None
        elif self.refused is None or self.refused.digest != digest:
            await self._take(texts, digest)

    async def _take(self, texts: Mapping[str, str], digest: str) -> None:
        snapshot = self._snapshots / f"team-{digest[:12]}.json"
        await asyncio.to_thread(snapshot.write_text, json.dumps(texts))
        try:
            checked = await self._sandbox.run(CHECK, sample=snapshot, budget=self._budget)
            if problems := checked["problems"]:
                self._refuse(digest, problems)
                return
            await self._sandbox.renew([(LOAD, str(snapshot)), *self._preload])
            await self._renewed()
        except (SandboxLimit, SandboxCrash, ParserError) as error:
            self._refuse(digest, [f"The rules could not be compiled: {error}"])
        except SandboxUnavailable as error:
            log.error("the rules of the teams could not be loaded; it is tried again", says=str(error))
        except OutageError as error:
            # The children have them already: the next look asks again what takes part.
            log.warning("the rules of the teams wait", says=str(error))
        else:
            self._in_force, self.files, self.refused = digest, tuple(sorted(texts)), None
            log.info("rules and lists of the teams are in force", files=len(texts), digest=digest[:12])

    def _refuse(self, digest: str, problems: Sequence[str]) -> None:
        if self.refused is None or self.refused.digest != digest:
            log.error("rules of the teams refused, those before stay in force", problems=list(problems))
        self.refused = Refused(digest, tuple(problems))


def _read(folder: Path) -> dict[str, str]:
    """Raises OSError, and ValueError when it is too much or not text."""
    texts, size = {}, 0
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_file() or not (is_rules(path.name) or list_kind(path.name)):
            continue
        data = path.read_bytes()
        size += len(data)
        if size > MOST_BYTES:
            raise ValueError(f"the folder holds more than {MOST_BYTES // 1024 // 1024} MiB of rules and lists")
        try:
            texts[path.name] = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError(f"{path.name} is not UTF-8") from None
    return texts


def _digest(texts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(texts.items())).encode()).hexdigest()
