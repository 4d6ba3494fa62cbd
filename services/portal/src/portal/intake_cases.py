from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import httpx
import structlog
from pydantic import ValidationError

from caseway_contracts.clients import IntakeClient, ServiceAway
from caseway_kit.errors import OutageError
from caseway_kit.tokens import Caller
from portal.fresh import FreshCase

T = TypeVar("T")

_log = structlog.stdlib.get_logger("portal.intake")


class IntakeCases:
    def __init__(self, intake: IntakeClient, patient: IntakeClient | None = None) -> None:
        """``patient`` waits longer, for a case that is nowhere else yet."""
        self._intake = intake
        self._patient = patient or intake

    async def case(self, caller: Caller, sr_number: str, since_revision: int | None) -> FreshCase | None:
        """Raises OutageError when intake did not answer."""
        try:
            asked = self._patient if since_revision is None else self._intake
            answer = await asked.case(caller.token, sr_number, since_revision)
        except ServiceAway as away:
            raise OutageError("intake", str(away)) from away
        except (httpx.HTTPStatusError, ValueError) as error:
            _log.info("intake has nothing newer", why=type(error).__name__)
            return None
        return None if answer is None else _fresh(answer)

    async def changed(self, caller: Caller, since: datetime) -> Sequence[FreshCase]:
        answers = await _asked(self._intake.changed(caller.token, since), [])
        return [fresh for answer in answers if (fresh := _fresh(answer)) is not None]


async def _asked(answer: Awaitable[T], otherwise: T) -> T:
    try:
        return await answer
    # ValueError: 204, or no JSON. HTTPStatusError: intake lets this caller see nothing.
    except (ServiceAway, httpx.HTTPStatusError, ValueError) as error:
        _log.info("intake has nothing newer", why=type(error).__name__)
        return otherwise


def _fresh(answer: dict[str, Any]) -> FreshCase | None:
    try:
        return FreshCase.model_validate(answer)
    except ValidationError:
        _log.exception("intake answered something else than a case")
        return None
