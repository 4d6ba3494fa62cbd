from fastapi import APIRouter, Depends, Request
from starlette.responses import FileResponse, Response

from caseway_kit.auth import public
from caseway_kit.problems import Problem
from portal.pages import assets

FOR_EVER = "public, max-age=31536000, immutable"


def build_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name}", dependencies=[Depends(public())])
    async def asset(request: Request, name: str) -> Response:
        path = assets.find(name)
        if path is None:
            raise Problem.not_found()
        version = assets.version_of(path)
        kept = FOR_EVER if request.query_params.get("v") == version else "no-cache"
        headers = {"Cache-Control": kept, "ETag": f'"{version}"', "Cross-Origin-Resource-Policy": "same-origin"}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return FileResponse(path, media_type=assets.media_type(path), headers=headers)

    return router
