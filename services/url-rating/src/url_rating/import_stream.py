"""An import over HTTP: lines come in while lines about its progress go out."""

import json
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from caseway_kit.errors import OutageError
from url_rating.imports import NotAList, Progress
from url_rating.lists import ListSuperseded

# A sender that reads nothing before it has sent all must not fill the socket with what we say.
EVERY = 10


class ImportStream(StreamingResponse):
    """An answer that is written while the request is still being read.

    Starlette would listen for a disconnect meanwhile, and so take the body's messages from whoever reads them
    (ASGI before 2.4, which is what uvicorn speaks). A sender that goes away ends the body instead.
    """

    media_type = "application/x-ndjson"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - see above
        await self.stream_response(send)


async def imported_as_it_comes(progress: AsyncIterator[Progress]) -> AsyncIterator[bytes]:
    """Each line is an object; the last one has ``done`` or ``error``."""
    try:
        count = 0
        async for step in progress:
            count += 1
            if step.version is not None:
                yield _line(step, done=True, name=step.version.name, version=step.version.version)
            elif count % EVERY == 0:
                yield _line(step)
    except NotAList as refused:
        yield _error(str(refused))
    except ListSuperseded:
        yield _error("another import of this list began meanwhile")
    except OutageError as outage:
        yield _error(f"{outage.part} is away; the list in force stays")


def _line(step: Progress, **more: object) -> bytes:
    said = {
        "lines": step.lines,
        "entries": step.entries,
        "refused": step.refused,
        "unknown_categories": step.unknown_categories,
        **more,
    }
    return json.dumps(said).encode() + b"\n"


def _error(says: str) -> bytes:
    return json.dumps({"error": says}).encode() + b"\n"
