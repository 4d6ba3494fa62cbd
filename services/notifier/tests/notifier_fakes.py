from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from caseway_kit.clock import Clock
from caseway_kit.messaging import Encoded
from notifier.letters import Letter
from notifier.service import Stored

Make = Callable[..., Any]


class InMemoryCorrespondenceRepository:
    def __init__(self) -> None:
        self._cases: dict[str, Stored] = {}

    async def find(self, sr_number: str) -> Stored | None:
        return self._cases.get(sr_number)

    async def save(self, stored: Stored) -> bool:
        before = self._cases.get(stored.correspondence.sr_number)
        if (before.version if before else 0) != stored.version - 1:
            return False
        self._cases[stored.correspondence.sr_number] = stored
        return True


class InMemoryLetters:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[str, tuple[datetime, int]] = {}
        self.letters: dict[str, Letter] = {}
        self.settled: dict[str, str] = {}
        self.stated: list[Encoded] = []

    async def add(self, letters: Sequence[Letter]) -> None:
        for letter in letters:
            self.letters.setdefault(letter.id, letter)
            self._due.setdefault(letter.id, (self._clock.now(), 0))

    async def due(self) -> bool:
        return any(name not in self.settled and due <= self._clock.now() for name, (due, _) in self._due.items())

    async def claim(self, until: datetime) -> tuple[Letter, int] | None:
        for name, (due, tries) in self._due.items():
            if name not in self.settled and due <= self._clock.now():
                self._due[name] = (until, tries + 1)
                return self.letters[name], tries
        return None

    async def settle(self, letter: Letter, status: str, stated: Encoded) -> None:
        if letter.id not in self.settled:
            self.settled[letter.id] = status
            self.stated.append(stated)

    async def postpone(self, letter: Letter, due: datetime) -> None:
        self._due[letter.id] = (due, self._due[letter.id][1])


class RecordingMailer:
    """Takes every letter, after failing as often as a test tells it to."""

    def __init__(self) -> None:
        self.sent: list[Letter] = []
        self.failures: list[Exception] = []

    async def send(self, letter: Letter) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(letter)

    async def close(self) -> None:
        return
