"""A case page that fills while it is open: its parts, rendered anew here, whenever they say something else."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Query, Request
from markupsafe import Markup
from starlette.responses import Response

from caseway_kit.errors import OutageError
from caseway_kit.problems import Problem
from caseway_kit.seats import Full
from portal.case_api import RETRY_AFTER_SECONDS, RETRY_MS, EventStream
from portal.cases import Cases
from portal.feed import Feed
from portal.pages.base import Site, page_router, site_of
from portal.pages.visitors import Anybody, Visitor
from portal.story import Story, story_of

REGIONS = ("state", "notice", "files", "urls", "emails", "attk_logs", "conversation", "timeline", "mails")

Mark = Annotated[str | None, Header(max_length=512)]

_log = structlog.stdlib.get_logger("portal.live")


def render_region(site: Site, name: str, story: Story, visitor: Visitor) -> Markup:
    template = site.environment.get_template(f"cases/parts/{name}.html")
    return Markup(template.render(story=story, case=story.view, visitor=visitor))  # noqa: S704 - of our own template


def build_router(cases: Cases, feed: Feed) -> APIRouter:
    router = page_router()

    @router.get("/requests/{sr_number}/live")
    async def follow(
        request: Request,
        visitor: Anybody,
        sr_number: str,
        last_event_id: Mark = None,
        after: Annotated[str | None, Query(max_length=512)] = None,
    ) -> Response:
        if not await cases.visible(visitor.caller, sr_number):
            raise Problem.not_found()
        site, door = site_of(request), request.app.state.door
        stopping: asyncio.Event = request.app.state.stopping
        present = visitor

        async def welcome() -> bool:
            nonlocal present
            # Renews the token too, which a page that stays open outlives.
            known: Visitor | None = await door.visitor(request, touch=False)
            present = known or present
            return known is not None

        async def lines() -> AsyncGenerator[str, None]:
            yield f"retry: {RETRY_MS}\n\n"
            sent: dict[str, str] = {}
            mark = last_event_id or after or None
            try:
                async for one in feed.follow(visitor.caller, sr_number, mark, stopping=stopping, welcome=welcome):
                    if one is None:
                        yield ": alive\n\n"
                    elif one.id is not None and (found := await cases.look(present.caller, sr_number)):
                        yield _regions(site, story_of(*found), present, sent, one.id)
            except OutageError as outage:
                # The head has been sent; the browser comes back with its last id.
                _log.warning("a stream was cut", part=outage.part)

        try:
            seat = feed.seat(visitor.caller)
        except Full:
            raise Problem.too_many(RETRY_AFTER_SECONDS, "You have too many open streams; close one.") from None
        return EventStream(lines(), seat)

    return router


def _regions(site: Site, story: Story, visitor: Visitor, sent: dict[str, str], mark: str) -> str:
    """Events for the parts that differ from what this stream sent; the last event has the mark."""
    changed = {}
    for name in REGIONS:
        html = render_region(site, name, story, visitor)
        digest = hashlib.sha256(html.encode()).hexdigest()
        if sent.get(name) != digest:
            sent[name], changed[name] = digest, html
    says = site.say("cases.notices.complete") if story.view.analysis.complete else ""
    body = json.dumps({"parts": changed, "said": says}, ensure_ascii=False)
    return f"id: {mark}\nevent: parts\ndata: {body}\n\n"
