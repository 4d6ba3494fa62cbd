from dataclasses import dataclass
from typing import Any

from caseway_kit.sandbox.budget import Budget
from caseway_kit.sandbox.errors import ParserError, SandboxCrash, SandboxError, SandboxLimit
from caseway_kit.sandbox.work import MESSAGE_CHARACTERS, NO_SPACE

_LIMITS = frozenset(Budget().plain())


@dataclass(frozen=True)
class Answer:
    value: Any
    failure: SandboxError | None
    spent: bool  # the child asks to be replaced

    @property
    def found_no_space(self) -> bool:
        return isinstance(self.failure, SandboxLimit) and self.failure.says == NO_SPACE

    def result(self) -> Any:
        if self.failure:
            raise self.failure
        return self.value


def read_answer(message: dict[str, Any], job: int) -> Answer:
    """What a child says about this job; it may be hostile, so nothing is taken on trust.

    The job's number keeps an answer that comes late from being taken for the next job's.
    """
    value: Any = None
    failure: SandboxError | None = None
    match message:
        case {"ok": value, "job": number} if number == job:
            pass
        case {"error": {"type": str(type_), "message": str(text)}, "job": number} if number == job:
            failure = ParserError(type_[:100], text[:MESSAGE_CHARACTERS])
        case {"limit": {"limit": str(limit), "says": str(says)}, "job": number} if number == job and limit in _LIMITS:
            failure = SandboxLimit(limit, says[:MESSAGE_CHARACTERS])
        case _:
            raise SandboxCrash(None, "the parser's process gave an answer that is none")
    return Answer(value, failure, spent=bool(message.get("spent")))
