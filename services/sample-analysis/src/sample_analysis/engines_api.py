from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from caseway_kit.auth import Caller, require
from sample_analysis.engine_client import Engines


class EngineVersion(BaseModel):
    """An engine or a rule set that takes part in every analysis."""

    name: str
    version: str


class EngineVersions(BaseModel):
    items: list[EngineVersion]


def build_router(engines: Engines) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/engines")
    async def list_engines(_: Annotated[Caller, Depends(require())]) -> EngineVersions:
        pairs = [version.partition("/") for version in engines.versions]
        return EngineVersions(items=[EngineVersion(name=name, version=version) for name, _, version in pairs])

    return router
