"""Idempotency keys: the same request with the same key, however often and in parallel, is done once.

A claim binds the key to a digest of the request and to the id that the made thing will have. It is written first, so
a repeat after a crash makes nothing but the same thing.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from caseway_kit.problems import FieldError, Problem

LONGEST_KEY = 255

Answer = dict[str, Any]


@dataclass(frozen=True)
class Claim:
    account_id: str
    key: str
    digest: str
    subject_id: str
    answer: Answer | None = None


class ClaimRepository(Protocol):
    async def claim(self, claim: Claim) -> Claim:
        """Keep a claim; gives the one of the same account and key that was first, be it this or another."""

    async def answered(self, claim: Claim, answer: Answer) -> None: ...

    async def release(self, claim: Claim) -> None:
        """Forget a claim whose request was refused."""


@dataclass(frozen=True)
class Done:
    answer: Answer
    replayed: bool = False


class Once:
    def __init__(self, claims: ClaimRepository) -> None:
        self._claims = claims

    async def do(
        self,
        make: Callable[[str], Awaitable[Answer]],
        *,
        account_id: str,
        key: str | None,
        what: str,
        body: dict[str, Any],
        prefix: str,
        secret: Collection[str] = (),
    ) -> Done:
        """Call ``make`` with the id of the thing to be made, or repeat its first answer.

        ``secret`` names what is neither kept of the answer nor compared of the body.
        """
        subject_id = f"{prefix}-{uuid4().hex}"
        if key is None:
            return Done(await make(subject_id))
        if not 0 < len(key) <= LONGEST_KEY:
            raise Problem.bad_request(f"An Idempotency-Key has 1 to {LONGEST_KEY} characters.")
        mine = Claim(account_id, key, digest_of(what, body, secret), subject_id)
        claim = await self._claims.claim(mine)
        if claim.digest != mine.digest:
            says = "This key was used for another request."
            raise Problem.rule(
                FieldError("/idempotency_key", "idempotency.other_body", says, "Use a key of its own for each request.")
            )
        if claim.answer is not None:
            return Done(claim.answer, replayed=True)
        try:
            answer = await make(claim.subject_id)
        except Problem:
            await self._claims.release(claim)
            raise
        await self._claims.answered(claim, {name: value for name, value in answer.items() if name not in secret})
        return Done(answer, replayed=claim.subject_id != subject_id)


def digest_of(what: str, body: dict[str, Any], secret: Collection[str]) -> str:
    compared = {name: value for name, value in body.items() if name not in secret}
    return hashlib.sha256(json.dumps([what, compared], sort_keys=True).encode()).hexdigest()
