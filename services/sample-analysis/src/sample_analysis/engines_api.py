from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from caseway_kit.auth import Caller, require
from sample_analysis.engine_client import Engines
from sample_analysis.team_folder import TeamFolder


class EngineVersion(BaseModel):
    """An engine or a rule set that takes part in every analysis."""

    name: str
    version: str


class TeamFiles(BaseModel):
    """The teams' rules and lists: the files in force, and why a later state of their folder is not."""

    files: list[str] = []
    problems: list[str] = []


class EngineVersions(BaseModel):
    items: list[EngineVersion]
    team: TeamFiles


def build_router(engines: Engines, team: TeamFolder | None = None) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/engines")
    async def list_engines(_: Annotated[Caller, Depends(require())]) -> EngineVersions:
        pairs = [version.partition("/") for version in engines.versions]
        files = list(team.files) if team else []
        problems = list(team.refused.problems) if team and team.refused else []
        return EngineVersions(
            items=[EngineVersion(name=name, version=version) for name, _, version in pairs],
            team=TeamFiles(files=files, problems=problems),
        )

    return router
