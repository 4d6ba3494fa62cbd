"""Lists over HTTP: of an import, lines come in while lines about its progress go out."""

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from caseway_kit.auth import require
from caseway_kit.errors import OutageError
from caseway_kit.problems import FieldError, Problem
from url_rating.imports import ListImport, NotAList, Progress
from url_rating.list_formats import FORMATS
from url_rating.lists import ListRepository, ListSuperseded, ListVersion

NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"

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


class ListItem(BaseModel):
    name: str
    version: str
    entries: int


def build_lists_router(*, imports: ListImport, lists: ListRepository) -> APIRouter:
    router = APIRouter(prefix="/api/v1/ratings", tags=["lists"], dependencies=[Depends(require("operator"))])

    @router.get("/lists")
    async def active_lists() -> list[ListItem]:
        return [_list_item(version) for version in await lists.active()]

    @router.post("/lists/{name}/rollback")
    async def roll_back(name: str) -> ListItem:
        version = await lists.roll_back(name)
        if version is None:
            raise Problem.conflict("There is no version before to go back to.")
        return _list_item(version)

    @router.post("/imports", response_class=ImportStream)
    async def import_list(
        request: Request,
        format: Annotated[str, Query(pattern=f"^({'|'.join(FORMATS)})$")],  # noqa: A002 - the parameter's name outside
        version: Annotated[str, Query(pattern=r"^[\w.:+-]{1,64}$")],
        name: Annotated[str | None, Query(pattern=NAME)] = None,
        category: Annotated[str | None, Query(max_length=64)] = None,
    ) -> Response:
        if category is not None and imports.meaning(category) is None:
            raise Problem.rule(FieldError("/category", "choice.invalid", "There is no such category."))
        progress = imports.run(name or format, version, format, _body(request), category=category)
        return ImportStream(imported_as_it_comes(progress))

    return router


async def _body(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        yield chunk


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


def _list_item(version: ListVersion) -> ListItem:
    return ListItem(name=version.name, version=version.version, entries=version.entries)
