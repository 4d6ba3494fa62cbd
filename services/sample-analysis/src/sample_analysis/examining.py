"""Looks at one piece: takes its words and bytes, lets the engines work, and makes a report of it, whatever happens."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from caseway_contracts.results import EvidenceReport, Limit
from caseway_contracts.sheets import Evidenced
from caseway_kit.objects import ObjectDamaged, ObjectMissing, Objects
from caseway_kit.sandbox import ParserError, SandboxCrash, SandboxLimit
from sample_analysis.engine_client import LIMITS, Engines
from sample_analysis.findings import NoResult, not_analyzed, report_of
from sample_analysis.reuse import Found, ResultRepository, repeatable, result_key, root_id, rooted
from sample_analysis.scratch import Scratch
from sample_analysis.work import EvidenceWork

MOST_CRASHES = 3
CountCrash = Callable[[], Awaitable[int]]

log = structlog.get_logger()


@dataclass(frozen=True)
class Words:
    """What the customer said about a piece."""

    name: str = ""
    passwords: tuple[str, ...] = ()


class Examiner:
    def __init__(self, *, objects: Objects, scratch: Scratch, engines: Engines, results: ResultRepository) -> None:
        self._objects = objects
        self._scratch = scratch
        self._engines = engines
        self._results = results

    async def report(self, work: EvidenceWork, *, salt: str, count_crash: CountCrash) -> EvidenceReport | None:
        """None: the words and the bytes are gone, as the case was erased. ``count_crash`` answers with their number."""
        words = await self.words(work)
        try:
            return await self._examined(work, words, salt, count_crash)
        except ObjectMissing:
            if words is None:
                return None
            limit = Limit(limit="object-missing", says="The file is not in the store any more.")
        except ObjectDamaged:
            limit = Limit(limit="object-damaged", says="The stored file is not the one that was sent.")
        except SandboxLimit as reached:
            limit = Limit(limit=reached.limit.replace("_", "-"), says=f"Not analysed: {reached.says}.")
        except SandboxCrash:
            limit = Limit(limit="analyser-crashed", says="Not analysed: the analyser failed on it several times.")
        except (ParserError, NoResult) as error:
            log.warning("an analyser failed", error=type(error).__name__, says=getattr(error, "type", ""))
            limit = Limit(limit="analyser-failed", says="Not analysed: the analyser failed on it.")
        if limit.limit.startswith("object-"):
            log.critical("evidence is not in the store as it was sent", evidence=work.subject_id, limit=limit.limit)
        else:
            log.warning("a piece was not analysed", evidence=work.subject_id, limit=limit.limit)
        return not_analyzed(work, words.name if words else "", limit, salt=salt)

    async def forget(self, sha256: str) -> None:
        """The case was erased while its bytes were looked at: what was found must not be kept."""
        await self._results.forget([sha256])

    async def words(self, work: EvidenceWork) -> Words | None:
        """None: there are none, as the case was erased; a tombstone stands where its sheet was."""
        try:
            sheet = await self._objects.get_json(work.sheet, Evidenced)
        except (ObjectMissing, ObjectDamaged) as gone:
            log.warning("the words of a piece are gone", evidence=work.subject_id, error=type(gone).__name__)
            return None
        said = next((one for one in sheet.attachments if one.evidence_id == work.subject_id), None)
        if said is None:
            return Words()
        return Words(said.name, tuple(dict.fromkeys(filter(None, (said.opened_with, said.password)))))

    async def _examined(
        self, work: EvidenceWork, words: Words | None, salt: str, count_crash: CountCrash
    ) -> EvidenceReport:
        root = root_id(work.object.sha256)
        engines = self._engines.versions
        key = _key(work, words or Words(), engines)
        # A case whose words are gone may be erased: only its own bytes can tell.
        known = await self._results.find(key) if words is not None else None
        found = known or await self._found(work, words or Words(), root, count_crash)
        report = report_of(work, rooted(found, root, work.subject_id), salt=salt)
        # Rules and signatures may have been renewed while the engines were at work: the key names others then.
        made_by_these = tuple(found.get("engines", engines)) == engines
        if known is None and words is not None and repeatable(report) and made_by_these:
            await self._results.keep(key, work.object.sha256, found)
        return report

    async def _found(self, work: EvidenceWork, words: Words, root: str, count_crash: CountCrash) -> Found:
        async with self._scratch.fetched(work.object) as sample:
            while True:
                try:
                    return await self._engines.analyze(
                        sample, evidence_id=root, name=words.name, kind=work.kind, passwords=words.passwords
                    )
                except SandboxCrash as crash:
                    log.warning("a sample ended its analyser", evidence=work.subject_id, signal=crash.signal_name)
                    if await count_crash() >= MOST_CRASHES:
                        raise


def _key(work: EvidenceWork, words: Words, engines: Sequence[str]) -> str:
    return result_key(
        work.object.sha256,
        kind=work.kind,
        name=words.name,
        passwords=words.passwords,
        engines=engines,
        budget=LIMITS,
    )
