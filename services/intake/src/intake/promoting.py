"""Pieces of a case become a case of their own; their bytes are copied, so that erasing the one spares the other."""

from collections.abc import Mapping, Sequence
from typing import Any

from intake.cases import Case, Piece
from intake.fingerprints import fingerprint
from intake.keys import Keys
from intake.ports import CaseRepository, Person
from intake.refusals import Fault, NotFound, Refused
from intake.submitting import Submitted, Submitting
from intake.uploads import Uploads


class Promoting:
    def __init__(self, *, cases: CaseRepository, submitting: Submitting, uploads: Uploads) -> None:
        self._cases = cases
        self._keys = Keys(cases)
        self._submitting = submitting
        self._uploads = uploads

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
        uploads = await self._submitting.uploads_of(person, submission)
        mark = fingerprint(f"promote {sr_number} {sorted(evidence_ids)}", submission, uploads)
        if (known := await self._keys.known(person, key, mark)) is not None:
            return Submitted(known[0], replayed=True)
        body = await self._with_pieces(person, case, _chosen(case, evidence_ids), submission)
        uploads = await self._submitting.uploads_of(person, body)
        return await self._submitting.create(
            person, body, uploads, key=key, mark=mark, promoted_from=tuple(evidence_ids)
        )

    async def _with_pieces(
        self, person: Person, case: Case, chosen: Sequence[Piece], submission: Mapping[str, Any]
    ) -> dict[str, Any]:
        given = [[] if (value := submission.get(name)) is None else value for name in ("attachments", "urls")]
        if not all(isinstance(value, list) for value in given):
            return dict(submission)  # which is refused, before anything is copied
        attachments, urls = map(list, given)
        sheets = [case.sheet(), *(sheet for fact in case.facts[1:] if (sheet := fact.update_sheet()))]
        words = {one.evidence_id: one for sheet in sheets for one in sheet.attachments}
        typed = {one.evidence_id: one for sheet in sheets for one in sheet.urls}
        for piece in chosen:
            if piece.kind == "url":
                urls.append(typed[piece.id].model_dump(exclude={"evidence_id"}, exclude_none=True))
                continue
            said = words[piece.id]
            copy = await self._uploads.copy(person.account_id, person.contact_id, said.name, piece.object.key)
            password = said.password or said.opened_with
            attachments.append({"upload_id": copy.upload_id, **({"password": password} if password else {})})
        return {**submission, "attachments": attachments, "urls": urls}


def _chosen(case: Case, evidence_ids: Sequence[str]) -> list[Piece]:
    known = {piece.id: piece for piece in case.evidence}
    unknown = [
        Fault(
            f"/evidence_ids/{index}",
            "evidence.unknown",
            "The case has no such submitted piece.",
            "Name pieces that were submitted themselves; what was found inside one can't be chosen yet.",
        )
        for index, one in enumerate(evidence_ids)
        if one not in known
    ]
    if unknown:
        raise Refused(*unknown)
    return [known[one] for one in dict.fromkeys(evidence_ids)]
