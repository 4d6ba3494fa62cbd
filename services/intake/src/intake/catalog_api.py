from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from caseway_kit.auth import public
from caseway_kit.bodies import StrictRoute
from intake.api import PartsOf

router = APIRouter(route_class=StrictRoute, tags=["catalogue"])


@router.get("/catalog", dependencies=[Depends(public())])
async def catalog(request: Request, parts: PartsOf) -> Response:
    tag = f'"{parts.catalog.version}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    asked = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in asked or "*" in asked:
        return Response(status_code=304, headers=headers)
    return Response(parts.public_catalog, headers=headers, media_type="application/json")
