from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import NAMESPACE_URL, uuid4, uuid5

from fastapi import APIRouter, Depends, Header, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from caseway_contracts.kinds import Verdict
from caseway_kit.auth import Caller, require
from caseway_kit.clock import Clock
from caseway_kit.paging import DEFAULT_LIMIT, Cursor, Limit, Page, from_cursor, page_of
from caseway_kit.problems import FieldError, Problem
from sample_analysis.differences import RuleFact, Turn
from sample_analysis.engine_client import Engines
from sample_analysis.reanalysis import Change, Job, JobRepository, Query
from sample_analysis.reanalyzing import Reanalysis
from sample_analysis.work import Kind

Operator = Annotated[Caller, Depends(require("operator"))]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255)]


class ReanalysisRequest(BaseModel):
    """Which stored pieces to look at again: all, or those that came ``since``, of a ``kind``, with these bytes."""

    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime | None = None
    kind: Kind | None = None
    sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$")] = None
    dry_run: bool = False


class ReanalysisView(BaseModel):
    """A job: what was asked for, how far it is, and how many verdicts it changes (or would, were it no dry run)."""

    id: str
    state: str
    since: datetime | None
    kind: str | None
    sha256: str | None
    dry_run: bool
    asked_at: datetime
    ended_at: datetime | None
    engines: tuple[str, ...]
    looked_at: int
    failed: int
    changed: int


class ChangeView(BaseModel):
    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    sr_number: str
    evidence_id: str
    kind: str
    sha256: str
    revision: int
    before: Annotated[Verdict, Field(alias="from")]
    now: Annotated[Verdict, Field(alias="to")]
    inside: tuple[Turn, ...]
    reasons: tuple[RuleFact, ...]


def build_reanalyses_router(
    *, reanalysis: Reanalysis, jobs: JobRepository, engines: Engines, clock: Clock
) -> APIRouter:
    router = APIRouter(prefix="/api/v1/reanalyses", tags=["reanalyses"])

    @router.post("", status_code=202)
    async def reanalyze(
        wanted: ReanalysisRequest, caller: Operator, response: Response, idempotency_key: IdempotencyKey = None
    ) -> ReanalysisView:
        asked = Job(
            id=_id(caller, idempotency_key),
            query=Query(since=wanted.since, kind=wanted.kind, sha256=wanted.sha256),
            dry_run=wanted.dry_run,
            asked_by=caller.contact_id,
            asked_at=clock.now(),
            engines=engines.versions,
        )
        job = await reanalysis.ask(asked)
        if not job.same_as(asked):
            says = "This key was used for another request."
            raise Problem.rule(FieldError("/Idempotency-Key", "idempotency.other_body", says, "Take a new key."))
        response.headers["Location"] = f"/api/v1/reanalyses/{job.id}"
        return await _view(jobs, job)

    @router.get("")
    async def list_reanalyses(_: Operator, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[ReanalysisView]:
        place = from_cursor(cursor, str, str)
        before = None if place is None else (_moment(place[0]), place[1])
        found = [await _view(jobs, job) for job in await jobs.listed(limit + 1, before)]
        return page_of(found, limit, lambda job: (job.asked_at.isoformat(), job.id))

    @router.get("/{job_id}")
    async def read_reanalysis(job_id: str, _: Operator) -> ReanalysisView:
        return await _view(jobs, await _found(jobs, job_id))

    @router.get("/{job_id}/changes")
    async def list_changes(
        job_id: str, _: Operator, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[ChangeView]:
        job = await _found(jobs, job_id)
        (after,) = from_cursor(cursor, str) or ("",)
        found = await jobs.changes(job.id, limit + 1, after)
        page = page_of(list(found), limit, lambda change: (change.piece_id,))
        return Page(items=_changes(page.items), next_cursor=page.next_cursor)

    return router


def _id(caller: Caller, key: str | None) -> str:
    return str(uuid4() if key is None else uuid5(uuid5(NAMESPACE_URL, f"reanalyses/{caller.account_id}"), key))


async def _found(jobs: JobRepository, job_id: str) -> Job:
    job = await jobs.find(job_id)
    if job is None:
        raise Problem.not_found()
    return job


async def _view(jobs: JobRepository, job: Job) -> ReanalysisView:
    return ReanalysisView(
        **job.model_dump(exclude={"query", "asked_by", "place"}),
        **job.query.model_dump(),
        state=job.state,
        changed=await jobs.count(job.id),
    )


def _changes(changes: Sequence[Change]) -> list[ChangeView]:
    return [
        ChangeView(
            **change.model_dump(include={"sr_number", "evidence_id", "kind", "sha256", "revision"}),
            before=change.difference.before,
            now=change.difference.now,
            inside=change.difference.inside,
            reasons=change.difference.reasons,
        )
        for change in changes
    ]


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Problem.bad_request("The cursor is not one that we gave.") from None
    if moment.tzinfo is None:
        raise Problem.bad_request("The cursor is not one that we gave.")
    return moment
