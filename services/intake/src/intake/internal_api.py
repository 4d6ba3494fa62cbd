"""What the portal asks for: cases younger than its projection. Not under the one address that customers see."""

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from caseway_contracts.base import Contract
from caseway_kit.bodies import StrictRoute
from intake.api import PartsOf, Reader
from intake.case_views import InternalCase, internal_view

MOST = 200

router = APIRouter(prefix="/internal", route_class=StrictRoute, include_in_schema=False)


class Changed(Contract):
    items: tuple[InternalCase, ...]


@router.get("/cases/{sr}", response_model=None)
async def case(
    sr: str, person: Reader, parts: PartsOf, since_revision: Annotated[int, Query(ge=0)] = 0
) -> InternalCase | Response:
    found = await parts.updating.read(person, sr)
    if found.revision <= since_revision:
        return Response(status_code=204)
    return internal_view(found)


@router.get("/cases")
async def changed(
    since: AwareDatetime, person: Reader, parts: PartsOf, limit: Annotated[int, Query(ge=1, le=MOST)] = MOST
) -> Changed:
    found = await parts.updating.changed_since(person, since.astimezone(UTC), limit)
    return Changed(items=tuple(internal_view(one) for one in found))
