"""From what the engines gave to the report of a piece and to the facts that are stated about it."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from caseway_contracts.results import EvidenceReport, FileResult, Limit
from sample_analysis.work import EvidenceWork

HASHES_KEPT = 1000
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CODE = re.compile(r"[a-z0-9_-]{1,40}")


class NoResult(Exception):
    """What came out of a child is no result about the piece; the child may have been hostile."""


def report_of(work: EvidenceWork, found: Mapping[str, Any], *, salt: str) -> EvidenceReport:
    """Raises NoResult."""
    own = {"sr_number": work.key, "evidence_id": work.subject_id, "revision": work.revision, "kind": work.kind}
    try:
        report = EvidenceReport.model_validate({**found, **own, "salt": salt})
    except ValidationError as error:
        raise NoResult(f"{error.error_count()} fields are wrong") from None
    if not report.files or report.files[0].id != work.subject_id:
        raise NoResult("it does not begin with the piece itself")
    return report


def not_analyzed(work: EvidenceWork, name: str, limit: Limit, *, salt: str) -> EvidenceReport:
    """The report of a piece about which nothing could be found out but what its reference says."""
    itself = FileResult(
        id=work.subject_id,
        name=name,
        sha256=work.object.sha256,
        size=work.object.size,
        verdict="not_analyzed",
        limits=(limit,),
    )
    return report_of(work, {"files": (itself,)}, salt=salt)


def hashes_of(work: EvidenceWork, report: EvidenceReport) -> list[str]:
    """Of the piece and all the bytes in it: by these it is found when the verdict about one of them changes."""
    inside = (file.sha256 for file in report.files if file.sha256 and _SHA256.fullmatch(file.sha256))
    return list(dict.fromkeys([work.object.sha256, *inside]))[:HASHES_KEPT]


def facts_of(report: EvidenceReport) -> dict[str, Any]:
    """Facts for the event. What a limit is called comes out of the child: only what reads as a code may pass."""
    limits = {limit.limit for file in report.files for limit in file.limits if _CODE.fullmatch(limit.limit)}
    return {
        "verdict": report.files[0].verdict,
        "files": len(report.files),
        "urls": len(report.urls),
        "limits": tuple(sorted(limits)),
    }
