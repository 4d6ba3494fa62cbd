from fastapi import APIRouter, Request
from starlette.responses import Response

from portal.pages.base import page_router, render
from portal.pages.visitors import Anybody


def build_router() -> APIRouter:
    router = page_router()

    @router.get("/")
    async def home(request: Request, _: Anybody) -> Response:
        return render(request, "home.html")

    return router
