from collections.abc import Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from caseway_kit.messaging import Encoded
from profiles.once import Answer, Claim
from profiles.passwords import Passwords
from profiles.records import Account, ActivationCode, Contact, ProductProfile, Record, Taken
from profiles.sign_in import Session
from profiles.signing_keys import StoredKey
from profiles.throttle import Attempts

R = TypeVar("R", bound=Record)


class _Stated(Generic[R]):
    def __init__(self) -> None:
        self.records: dict[str, R] = {}
        self.stated: list[Encoded] = []

    async def add(self, record: R, *stated: Encoded) -> None:
        if record.id in self.records:
            raise Taken("_id")
        self._check(record)
        self.records[record.id] = record
        self.stated += stated

    async def replace(self, record: R, *stated: Encoded) -> bool:
        before = self.records.get(record.id)
        if before is None or before.revision != record.revision - 1:
            return False
        self._check(record)
        self.records[record.id] = record
        self.stated += stated
        return True

    def _check(self, record: R) -> None:
        what = self._unique(record)
        for other in self.records.values():
            if other.id != record.id and what is not None and self._unique(other) == what:
                raise Taken(what[0])

    def _unique(self, record: R) -> tuple[str, ...] | None:
        return None


class InMemoryAccountRepository(_Stated[Account]):
    async def find(self, account_id: str) -> Account | None:
        return self.records.get(account_id)


class InMemoryContactRepository(_Stated[Contact]):
    def _unique(self, record: Contact) -> tuple[str, ...]:
        return ("email_key", record.email_key)

    async def find(self, contact_id: str) -> Contact | None:
        return self.records.get(contact_id)

    async def find_by_email(self, key: str) -> Contact | None:
        return next((one for one in self.records.values() if one.email_key == key), None)

    async def page(self, account_id: str, after: str | None, limit: int) -> Sequence[Contact]:
        found = [one for one in self.records.values() if one.account_id == account_id and not one.disabled]
        found = [one for one in found if after is None or one.email_key > after]
        return sorted(found, key=lambda one: one.email_key)[:limit]

    async def has_operator(self) -> bool:
        return any(one.role == "operator" and not one.disabled for one in self.records.values())


class InMemoryProfileRepository(_Stated[ProductProfile]):
    def _unique(self, record: ProductProfile) -> tuple[str, ...] | None:
        return None if record.deleted else ("account_id,name_key", record.account_id, record.name_key)

    async def find(self, account_id: str, profile_id: str) -> ProductProfile | None:
        found = self.records.get(profile_id)
        return None if found is None or found.deleted or found.account_id != account_id else found

    async def page(self, account_id: str, after: str | None, limit: int) -> Sequence[ProductProfile]:
        found = [one for one in self.records.values() if one.account_id == account_id and not one.deleted]
        found = [one for one in found if after is None or one.name_key > after]
        return sorted(found, key=lambda one: one.name_key)[:limit]

    async def sweep(self) -> int:
        gone = [one.id for one in self.records.values() if one.deleted]
        for profile_id in gone:
            del self.records[profile_id]
        return len(gone)


class InMemoryCodeRepository:
    def __init__(self) -> None:
        self.codes: dict[tuple[str, str, str], ActivationCode] = {}

    async def add(self, code: ActivationCode) -> None:
        key = (code.account_id, code.product, code.code)
        if key in self.codes:
            raise Taken("account_id,product,code")
        self.codes[key] = code

    async def find(self, account_id: str, product: str, code: str) -> ActivationCode | None:
        return self.codes.get((account_id, product, code))

    async def any_for(self, account_id: str, product: str) -> bool:
        return any(key[:2] == (account_id, product) for key in self.codes)

    async def page(
        self, account_id: str, product: str | None, after: tuple[str, str] | None, limit: int
    ) -> Sequence[ActivationCode]:
        found = [code for key, code in sorted(self.codes.items()) if key[0] == account_id]
        found = [code for code in found if product in (None, code.product)]
        return [code for code in found if after is None or (code.product, code.code) > after][:limit]


class InMemorySessionRepository:
    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}

    async def add(self, session: Session) -> None:
        self.sessions[session.id] = session

    async def find(self, session_id: str) -> Session | None:
        return self.sessions.get(session_id)

    async def end(self, session_id: str) -> None:
        self.sessions.pop(session_id, None)

    async def end_all_of(self, contact_id: str) -> None:
        self.sessions = {key: one for key, one in self.sessions.items() if one.contact_id != contact_id}


class InMemoryAttemptRepository:
    def __init__(self) -> None:
        self.attempts: dict[str, Attempts] = {}

    async def find(self, attempts_id: str) -> Attempts | None:
        return self.attempts.get(attempts_id)

    async def save(self, attempts: Attempts) -> bool:
        before = self.attempts.get(attempts.id)
        if (before.count if before else 0) != attempts.count - 1:
            return False
        self.attempts[attempts.id] = attempts
        return True

    async def forget(self, attempts_id: str) -> None:
        self.attempts.pop(attempts_id, None)


class InMemoryKeyRepository:
    def __init__(self) -> None:
        self.keys: dict[int, StoredKey] = {}

    async def all(self) -> Sequence[StoredKey]:
        return [self.keys[generation] for generation in sorted(self.keys)]

    async def add(self, key: StoredKey) -> bool:
        return self.keys.setdefault(key.generation, key) is key

    async def drop(self, generation: int) -> None:
        self.keys.pop(generation, None)


class InMemoryClaimRepository:
    def __init__(self) -> None:
        self.claims: dict[tuple[str, str], Claim] = {}

    async def claim(self, claim: Claim) -> Claim:
        return self.claims.setdefault((claim.account_id, claim.key), claim)

    async def answered(self, claim: Claim, answer: Answer) -> None:
        key = (claim.account_id, claim.key)
        if self.claims[key].answer is None:
            self.claims[key] = replace(claim, answer=answer)

    async def release(self, claim: Claim) -> None:
        known = self.claims.get((claim.account_id, claim.key))
        if known is not None and known.answer is None and known.subject_id == claim.subject_id:
            del self.claims[claim.account_id, claim.key]


class CountingPasswords(Passwords):
    """The real thing, counting how often a password was looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_at = 0

    async def match(self, password_hash: str | None, password: str) -> bool:
        self.looked_at += 1
        return await super().match(password_hash, password)
