"""Pieces of a case become a case of their own; their bytes are copied, so that erasing the one spares the other."""

from collections.abc import Mapping, Sequence
from typing import Any

from intake.cases import Case, Piece
from intake.checks import EVIDENCE_ID
from intake.fingerprints import fingerprint
from intake.keys import Keys
from intake.members import Members, Source, Taken
from intake.passing import whole
from intake.ports import CaseRepository, Person
from intake.refusals import Fault, NotFound, Refused
from intake.submitting import Submitted, Submitting
from intake.taking import MOST_BYTES, PASSWORD
from intake.turns import Turns
from intake.uploads import Uploads

Fields = dict[str, Any]


class Promoting:
    def __init__(
        self, *, cases: CaseRepository, submitting: Submitting, uploads: Uploads, members: Members, turns: Turns
    ) -> None:
        self._cases = cases
        self._keys = Keys(cases)
        self._submitting = submitting
        self._uploads = uploads
        self._members = members
        self._turns = turns

    async def promote(
        self,
        person: Person,
        sr_number: str,
        evidence_ids: Sequence[str],
        submission: Mapping[str, Any],
        key: str | None,
    ) -> Submitted:
        case = await self._cases.find(sr_number, person.account_id)
        if case is None:
            raise NotFound
        if strange := [index for index, one in enumerate(evidence_ids) if not EVIDENCE_ID.fullmatch(one)]:
            raise Refused(*map(_unknown, strange))
        uploads = await self._submitting.uploads_of(person, submission)
        mark = fingerprint(f"promote {sr_number} {sorted(evidence_ids)}", submission, uploads)
        if (known := await self._keys.known(person, key, mark)) is not None:
            return Submitted(known[0], replayed=True)
        chosen = list(dict.fromkeys(evidence_ids))
        attachments, urls = await self._checked(person, case, chosen, submission)
        taken = await self._taken(person, case, chosen)
        attachments += await self._copied(person, case, chosen)
        attachments += [await self._packed(person, source, found) for source, found in taken]
        body = {**submission, "attachments": attachments, "urls": urls}
        uploads = await self._submitting.uploads_of(person, body)
        return await self._submitting.create(
            person, body, uploads, key=key, mark=mark, promoted_from=tuple(evidence_ids)
        )

    async def _checked(
        self, person: Person, case: Case, chosen: Sequence[str], submission: Mapping[str, Any]
    ) -> tuple[list[Any], list[Any]]:
        """The attachments that the submission brings along, and all URLs. Refuses before anything is copied."""
        given = [[] if (value := submission.get(name)) is None else value for name in ("attachments", "urls")]
        if not all(isinstance(value, list) for value in given):
            raise Refused(*await self._submitting.check(person, submission))
        attachments, urls = map(list, given)
        typed = {one.evidence_id: one for sheet in case.sheets() for one in sheet.urls}
        urls += [typed[one].model_dump(exclude={"evidence_id"}, exclude_none=True) for one in chosen if one in typed]
        faults = await self._submitting.check(person, {**submission, "urls": urls})
        # What it lacks, the chosen pieces bring.
        if wrong := [fault for fault in faults if fault.code != "evidence.missing"]:
            raise Refused(*wrong)
        return attachments, urls

    async def _taken(self, person: Person, case: Case, chosen: Sequence[str]) -> list[tuple[Source, Taken]]:
        """What of the chosen stands inside submitted archives. Refuses when one is nowhere."""
        wanted = set(chosen) - {piece.id for piece in case.evidence}
        if not wanted:
            return []
        async with self._turns.turn(person.account_id):
            taken = await self._searched(case, wanted)
        if wanted:
            raise Refused(*(_unknown(index) for index, one in enumerate(chosen) if one in wanted))
        return taken

    async def _searched(self, case: Case, wanted: set[str]) -> list[tuple[Source, Taken]]:
        """Leaves in ``wanted`` what is nowhere."""
        taken: list[tuple[Source, Taken]] = []
        size = 0
        for source in _sources(case):
            found = await self._members.take(source, sorted(wanted))
            size += len(found.zip or b"")
            if found.too_much or size > MOST_BYTES:
                says = "The chosen files are larger than what can be taken out of an archive at once."
                raise Refused(Fault("/evidence_ids", "evidence.too_large", says, "Choose fewer, or the whole archive."))
            if found.zip is not None:
                taken.append((source, found))
                wanted -= found.found
            if not wanted:
                break
        return taken

    async def _copied(self, person: Person, case: Case, chosen: Sequence[str]) -> list[Fields]:
        words = {one.evidence_id: one for sheet in case.sheets() for one in sheet.attachments}
        pieces = [piece for piece in case.evidence if piece.id in chosen and piece.id in words]
        copied = []
        for piece in sorted(pieces, key=lambda one: chosen.index(one.id)):
            said = words[piece.id]
            copy = await self._uploads.copy(person.account_id, person.contact_id, said.name, piece.object)
            copied.append(_attachment(copy.upload_id, said.password or said.opened_with))
        return copied

    async def _packed(self, person: Person, source: Source, taken: Taken) -> Fields:
        name = f"chosen-from-{source.name[:200].removesuffix('.zip')}.zip"
        made = await self._uploads.receive(
            person.account_id, person.contact_id, name, whole(taken.zip or b""), len(taken.zip or b"")
        )
        return _attachment(made.upload_id, PASSWORD)


def _sources(case: Case) -> list[Source]:
    words = {one.evidence_id: one for sheet in case.sheets() for one in sheet.attachments}
    return [
        Source(piece.id, said.name, piece.object, [one for one in (said.password, said.opened_with) if one])
        for piece in case.evidence
        if _is_file(piece) and (said := words.get(piece.id)) is not None
    ]


def _is_file(piece: Piece) -> bool:
    return piece.kind != "url"


def _attachment(upload_id: str, password: str | None) -> Fields:
    return {"upload_id": upload_id, **({"password": password} if password else {})}


def _unknown(index: int) -> Fault:
    return Fault(
        f"/evidence_ids/{index}",
        "evidence.unknown",
        "The case has no such submitted piece, and no such file in an archive.",
        "Name submitted pieces or files inside archives; what was found inside a mail can't be chosen.",
    )
