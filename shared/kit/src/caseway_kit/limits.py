"""What uvicorn leaves open: sizes of a request's head, and the time that a body may take."""

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from caseway_kit.problems import Problem

LARGEST_HEAD = 32 * 1024
MOST_HEADERS = 100
LONGEST_TARGET = 16 * 1024
MOST_QUERY_KEYS = 200
BODY_SECONDS = 60.0
# A body that keeps this pace may take longer: an upload over a slow line is welcome, a drip is not.
BODY_PACE = 8 * 1024


class HeadLimits:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await refusal.response()(scope, receive, send)


def _refusal(scope: Scope) -> Problem | None:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(headers) > MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > LARGEST_HEAD:
        return Problem(431, "The request has too many or too large headers.", headers={"Connection": "close"})
    query: bytes = scope["query_string"]
    if len(scope.get("raw_path") or b"") + len(query) > LONGEST_TARGET or query.count(b"&") >= MOST_QUERY_KEYS:
        return Problem(414, "The address is too long.", headers={"Connection": "close"})
    if "\x00" in scope["path"] or b"%00" in query:
        return Problem.bad_request("The address holds a NUL character.")
    return None


class BodyDeadline:
    """Cuts a body that comes too slowly; only the time spent waiting for the sender counts."""

    def __init__(self, app: ASGIApp, *, seconds: float = BODY_SECONDS, pace: int = BODY_PACE) -> None:
        self._app = app
        self._seconds = seconds
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        waited = 0.0
        size = 0
        complete = False

        async def receive_in_time() -> Message:
            nonlocal waited, size, complete
            if complete:
                return await receive()
            began = time.monotonic()
            try:
                async with asyncio.timeout(max(0.0, self._seconds + size / self._pace - waited)):
                    message = await receive()
            except TimeoutError:
                raise Problem.too_slow() from None
            waited += time.monotonic() - began
            size += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            return message

        await self._app(scope, receive_in_time, send)
