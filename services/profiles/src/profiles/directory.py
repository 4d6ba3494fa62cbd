"""Accounts, their contacts, what is registered for them, and the recipients that their cases start with."""

from collections.abc import Sequence
from typing import Protocol
from uuid import NAMESPACE_URL, uuid5

import structlog

from caseway_catalog import Catalog
from caseway_catalog.addresses import is_email
from caseway_contracts.kinds import Role
from caseway_kit.clock import Clock
from caseway_kit.messaging import Encoded
from caseway_kit.problems import FieldError, Problem
from profiles import facts, passwords
from profiles.passwords import Passwords
from profiles.records import Account, ActivationCode, Contact, Taken, email_key

LONGEST_NAME = 255
LONGEST_CODE = 64
OPERATIONS = "acc-operations"

log = structlog.get_logger()


class AccountRepository(Protocol):
    """A record and the events about it are one write. ``add`` raises Taken; ``replace`` gives False when the revision
    before is not there any more."""

    async def find(self, account_id: str) -> Account | None: ...

    async def add(self, account: Account, *stated: Encoded) -> None: ...

    async def replace(self, account: Account, *stated: Encoded) -> bool: ...


class ContactRepository(Protocol):
    """As of accounts; e-mail addresses are unique across them."""

    async def find(self, contact_id: str) -> Contact | None: ...

    async def find_by_email(self, key: str) -> Contact | None: ...

    async def add(self, contact: Contact, *stated: Encoded) -> None: ...

    async def replace(self, contact: Contact, *stated: Encoded) -> bool: ...

    async def page(self, account_id: str, after: str | None, limit: int) -> Sequence[Contact]:
        """Those that are not disabled, by e-mail address, from the one after ``after``."""

    async def has_operator(self) -> bool: ...


class CodeRepository(Protocol):
    async def add(self, code: ActivationCode) -> None:
        """Raises Taken."""

    async def find(self, account_id: str, product: str, code: str) -> ActivationCode | None: ...

    async def any_for(self, account_id: str, product: str) -> bool: ...

    async def page(
        self, account_id: str, product: str | None, after: tuple[str, str] | None, limit: int
    ) -> Sequence[ActivationCode]:
        """By product and code, from the one after ``after``."""


class Sessions(Protocol):
    async def end_all_of(self, contact_id: str) -> None: ...


class Directory:
    def __init__(
        self,
        *,
        accounts: AccountRepository,
        contacts: ContactRepository,
        codes: CodeRepository,
        sessions: Sessions,
        passwords: Passwords,
        catalog: Catalog,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._contacts = contacts
        self._codes = codes
        self._sessions = sessions
        self._passwords = passwords
        self._catalog = catalog
        self._clock = clock

    async def add_account(self, account_id: str, name: str) -> Account:
        if not name.strip():
            raise Problem.rule(FieldError("/name", "required", "An account has a name."))
        now = self._clock.now()
        account = Account(id=account_id, name=name.strip(), created_at=now)
        try:
            await self._accounts.add(account, facts.account_saved(account, now))
        except Taken:
            return await self._accounts.find(account_id) or account
        return account

    async def add_user(
        self,
        contact_id: str,
        *,
        account_id: str,
        email: str,
        name: str,
        role: Role,
        teams: Sequence[str],
        password: str | None,
    ) -> tuple[Contact, str | None]:
        """The contact, and its password if it was made here: nobody can read it a second time."""
        if errors := self._errors_of_user(email, role, teams, password):
            raise Problem.rule(*errors)
        if await self._accounts.find(account_id) is None:
            raise Problem.rule(FieldError("/account_id", "choice.invalid", "There is no such account."))
        made = passwords.generated() if password is None else None
        now = self._clock.now()
        contact = Contact(
            id=contact_id,
            account_id=account_id,
            email=email.strip(),
            email_key=email_key(email),
            name=name.strip() or email.strip(),
            role=role,
            teams=tuple(dict.fromkeys(teams)),
            password_hash=await self._passwords.hash(made or password or ""),
            created_at=now,
        )
        try:
            await self._contacts.add(contact, facts.contact_saved(contact, now))
        except Taken:
            if known := await self._contacts.find(contact_id):
                return known, None
            says = "Somebody has this e-mail address already."
            raise Problem.rule(FieldError("/email", "value.taken", says, "Use another address.")) from None
        return contact, made

    async def disable(self, contact_id: str) -> Contact:
        while True:
            contact = await self._contacts.find(contact_id)
            if contact is None:
                raise Problem.not_found()
            if contact.disabled:
                return contact
            after: Contact = contact.changed(disabled=True)
            if await self._contacts.replace(after, facts.contact_disabled(after, self._clock.now())):
                await self._sessions.end_all_of(contact_id)
                return after

    async def register_code(self, code_id: str, *, account_id: str, product: str, code: str) -> ActivationCode:
        """Registering a code again is no mistake: it gives what is there."""
        errors = []
        if await self._accounts.find(account_id) is None:
            errors.append(FieldError("/account_id", "choice.invalid", "There is no such account."))
        if product not in {one.slug for one in self._catalog.products}:
            errors.append(FieldError("/product", "choice.invalid", "There is no such product."))
        if not code.strip():
            errors.append(FieldError("/code", "required", "The activation code is required."))
        if errors:
            raise Problem.rule(*errors)
        registered = ActivationCode(id=code_id, account_id=account_id, product=product, code=code.strip())
        try:
            await self._codes.add(registered)
        except Taken:
            return await self._codes.find(account_id, product, code.strip()) or registered
        return registered

    async def contacts_of(self, account_id: str, after: str | None, limit: int) -> Sequence[Contact]:
        return await self._contacts.page(account_id, after, limit)

    async def codes_of(
        self, account_id: str, product: str | None, after: tuple[str, str] | None, limit: int
    ) -> Sequence[ActivationCode]:
        return await self._codes.page(account_id, product, after, limit)

    async def case_recipients(self, account_id: str) -> tuple[str, ...]:
        account = await self._accounts.find(account_id)
        return account.case_recipients if account else ()

    async def choose_case_recipients(self, account_id: str, emails: Sequence[str]) -> tuple[str, ...]:
        """Addresses of people who need not be contacts; no event, since it is nothing but words."""
        if errors := self._errors_of_recipients(emails):
            raise Problem.rule(*errors)
        first: dict[str, str] = {}
        for email in emails:
            first.setdefault(email_key(email), email.strip())
        chosen = tuple(first.values())
        while True:
            account = await self._accounts.find(account_id)
            if account is None:
                raise Problem.not_found()
            # The revision goes on without an event; the next AccountSaved is newer than the one before all the same.
            if await self._accounts.replace(account.changed(case_recipients=chosen)):
                return chosen

    async def bootstrap(self, email: str, password: str) -> None:
        """Make the first operator, unless there is one."""
        if await self._contacts.has_operator():
            return
        await self.add_account(OPERATIONS, "Operations")
        contact_id = f"con-{uuid5(NAMESPACE_URL, f'caseway:operator:{email_key(email)}').hex}"
        await self.add_user(
            contact_id,
            account_id=OPERATIONS,
            email=email,
            name="Operator",
            role="operator",
            teams=(),
            password=password,
        )
        log.info("the first operator was made")

    def _errors_of_user(self, email: str, role: Role, teams: Sequence[str], password: str | None) -> list[FieldError]:
        errors = []
        if not is_email(email.strip()):
            says = "This is not an e-mail address."
            errors.append(FieldError("/email", "address.invalid", says, "Write it like name@example.com."))
        known = {team.slug for team in self._catalog.teams}
        for position, team in enumerate(teams):
            if team not in known:
                errors.append(FieldError(f"/teams/{position}", "choice.invalid", "There is no such team."))
        if teams and role != "analyst":
            errors.append(
                FieldError("/teams", "choice.invalid", "Only analysts are members of teams.", "Leave it out.")
            )
        if password is not None and len(password) < passwords.SHORTEST:
            says = f"The password has fewer than {passwords.SHORTEST} characters."
            errors.append(FieldError("/password", "value.invalid", says, "Use a longer one, or leave it out."))
        return errors

    def _errors_of_recipients(self, emails: Sequence[str]) -> list[FieldError]:
        most = self._catalog.limits.cc
        if len(emails) > most:
            says = f"{len(emails)} recipients are too many; a case takes {most}."
            return [FieldError("/items", "address.invalid", says, "Use a distribution list.")]
        return [
            FieldError(f"/items/{position}/email", "address.invalid", "This is not an e-mail address.")
            for position, email in enumerate(emails)
            if not is_email(email.strip())
        ]
