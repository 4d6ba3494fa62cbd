"""What the routes share: answers of the first and of a repeated request, and revisions in headers."""

import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from caseway_kit.auth import Caller
from caseway_kit.problems import FieldError, Problem
from profiles.once import Answer, Once

_ETAG = re.compile(r'(?:W/)?"([0-9]{1,18})"')

IfMatch = Annotated[str | None, Header(description='The ETag of the profile that was read, such as "3".')]


@dataclass(frozen=True)
class Posted:
    """A POST that states a fact; a repeat with the same key is answered as the first was."""

    path: str
    response: Response
    key: str | None

    async def answer(
        self,
        once: Once,
        make: Callable[[str], Awaitable[Answer]],
        *,
        caller: Caller,
        body: BaseModel | None,
        prefix: str,
        secret: Collection[str] = (),
    ) -> Answer:
        """What ``make`` gives; a repeat is 200 with ``Idempotency-Replayed``."""
        done = await once.do(
            make,
            account_id=caller.account_id,
            key=self.key,
            what=f"POST {self.path}",
            body={} if body is None else body.model_dump(mode="json"),
            prefix=prefix,
            secret=secret,
        )
        if done.replayed:
            self.response.status_code = 200
            self.response.headers["Idempotency-Replayed"] = "true"
        return done.answer


async def _posted(
    request: Request, response: Response, idempotency_key: Annotated[str | None, Header()] = None
) -> Posted:
    return Posted(request.url.path, response, idempotency_key)


Post = Annotated[Posted, Depends(_posted)]


def expected_revision(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise Problem.bad_request(
            "If-Match is not an ETag that we gave.",
            FieldError(
                "/if-match", "value.invalid", "If-Match is not an ETag that we gave.", "Read the profile again."
            ),
        )
    return int(match[1])


def set_etag(response: Response, profile: dict[str, Any]) -> None:
    response.headers["ETag"] = f'"{profile["revision"]}"'
