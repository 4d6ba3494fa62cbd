"""The interface's documentation, with nothing that comes from elsewhere."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends
from starlette.responses import FileResponse, HTMLResponse, Response

from caseway_kit.auth import public
from caseway_kit.problems import Problem
from portal.openapi import MergedOpenApi

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}

# Swagger UI 5, the first that shows OpenAPI 3.1; only its files are used.
_UI = Path(str(files("fastapi_swagger.resources")))
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_START = """SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#ui",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""
_HEAD = '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
_DOCS = f"""{_HEAD}<title>Caseway: the interface</title>
<link rel="icon" href="/docs/assets/favicon-32x32.png"><link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head><body><div id="ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script><script src="/docs/assets/start.js"></script></body></html>
"""


def build_router(openapi: MergedOpenApi) -> APIRouter:
    open_to_all: dict[str, Any] = {"include_in_schema": False, "dependencies": [Depends(public())]}
    router = APIRouter()

    @router.get("/docs", **open_to_all)
    async def docs() -> Response:
        return HTMLResponse(_DOCS, headers=SECURITY)

    @router.get("/docs/assets/start.js", **open_to_all)
    async def start() -> Response:
        return Response(_START, media_type="text/javascript", headers=SECURITY)

    @router.get("/docs/assets/{name}", **open_to_all)
    async def asset(name: str) -> Response:
        if name not in _ASSETS:
            raise Problem.not_found()
        headers = {**SECURITY, "Cache-Control": "public, max-age=3600"}
        return FileResponse(_UI / name, media_type=_ASSETS[name], headers=headers)

    @router.get("/api/v1/openapi.json", **open_to_all)
    async def openapi_document() -> Response:
        return Response(await openapi.body(), media_type="application/json")

    return router
