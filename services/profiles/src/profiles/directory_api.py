from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from caseway_contracts.http import Body
from caseway_contracts.kinds import Role
from caseway_kit.auth import Caller, require
from caseway_kit.bodies import StrictRoute
from caseway_kit.paging import DEFAULT_LIMIT, Cursor, Limit, Page, from_cursor, page_of
from profiles.directory import LONGEST_CODE, LONGEST_NAME, Directory
from profiles.once import Once
from profiles.passwords import LONGEST
from profiles.records import Contact
from profiles.replies_api import Post

Operator = Annotated[Caller, Depends(require("operator"))]
Anybody = Annotated[Caller, Depends(require())]
Customer = Annotated[Caller, Depends(require("customer", "account_admin"))]
ShortText = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class AccountIn(Body):
    name: ShortText


class AccountOut(Body):
    id: str
    name: str


class UserIn(Body):
    account_id: Annotated[str, Field(max_length=64)]
    email: Annotated[str, Field(min_length=1, max_length=320)]
    name: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    role: Role
    teams: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=50)] = Field(default_factory=list)
    password: Annotated[str, Field(max_length=LONGEST)] | None = None


class UserOut(Body):
    id: str
    account_id: str
    email: str
    name: str
    role: Role
    teams: list[str]
    disabled: bool
    password: str | None = None


class CodeIn(Body):
    account_id: Annotated[str, Field(max_length=64)]
    product: Annotated[str, Field(max_length=64)]
    code: Annotated[str, Field(min_length=1, max_length=LONGEST_CODE)]


class CodeOut(Body):
    id: str
    product: str
    code: str


class ContactOut(Body):
    id: str
    name: str
    email: str


class Recipient(Body):
    email: Annotated[str, Field(max_length=320)]


class Recipients(Body):
    items: Annotated[list[Recipient], Field(max_length=500)]
    next_cursor: None = None


def operator_routes(directory: Directory, once: Once) -> APIRouter:
    routes = APIRouter(route_class=StrictRoute, tags=["accounts"])

    @routes.post("/accounts", status_code=201, response_model=AccountOut)
    async def add_account(caller: Operator, post: Post, body: AccountIn) -> dict[str, Any]:
        async def make(account_id: str) -> dict[str, Any]:
            account = await directory.add_account(account_id, body.name)
            return {"id": account.id, "name": account.name}

        return await post.answer(once, make, caller=caller, body=body, prefix="acc")

    @routes.post("/users", status_code=201, response_model=UserOut)
    async def add_user(caller: Operator, post: Post, body: UserIn) -> dict[str, Any]:
        """A password that is made here stands in the first answer and nowhere else."""

        async def make(contact_id: str) -> dict[str, Any]:
            contact, password = await directory.add_user(contact_id, **dict(body))
            return _user(contact) | {"password": password}

        return await post.answer(once, make, caller=caller, body=body, prefix="con", secret=["password"])

    @routes.post("/users/{contact_id}/disable", response_model=UserOut)
    async def disable_user(caller: Operator, post: Post, contact_id: str) -> dict[str, Any]:
        """The contact can't sign in any more; every service refuses its tokens within a minute."""

        async def make(_: str) -> dict[str, Any]:
            return _user(await directory.disable(contact_id))

        return await post.answer(once, make, caller=caller, body=None, prefix="dis")

    @routes.post("/activation-codes", status_code=201, response_model=CodeOut)
    async def register_code(caller: Operator, post: Post, body: CodeIn) -> dict[str, Any]:
        async def make(code_id: str) -> dict[str, Any]:
            registered = await directory.register_code(code_id, **dict(body))
            return {"id": registered.id, "product": registered.product, "code": registered.code}

        return await post.answer(once, make, caller=caller, body=body, prefix="code")

    return routes


def account_routes(directory: Directory) -> APIRouter:
    routes = APIRouter(route_class=StrictRoute, tags=["my account"])

    @routes.get("/contacts")
    async def contacts(caller: Anybody, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[ContactOut]:
        """Contacts of the caller's account, by e-mail address."""
        (after,) = from_cursor(cursor, str) or (None,)
        found = page_of(
            list(await directory.contacts_of(caller.account_id, after, limit + 1)), limit, lambda one: (one.email_key,)
        )
        items = [ContactOut(id=one.id, name=one.name, email=one.email) for one in found.items]
        return Page(items=items, next_cursor=found.next_cursor)

    @routes.get("/case-recipients")
    async def case_recipients(caller: Anybody) -> Recipients:
        """E-mail addresses that new cases of the account start with."""
        return _recipients(await directory.case_recipients(caller.account_id))

    @routes.put("/case-recipients")
    async def choose_case_recipients(caller: Customer, body: Recipients) -> Recipients:
        emails = [one.email for one in body.items]
        return _recipients(await directory.choose_case_recipients(caller.account_id, emails))

    @routes.get("/activation-codes")
    async def activation_codes(
        caller: Anybody,
        product: Annotated[str | None, Query(max_length=64)] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[CodeOut]:
        """Codes that are registered for the caller's account."""
        after = from_cursor(cursor, str, str)
        position = None if after is None else (str(after[0]), str(after[1]))
        found = page_of(
            list(await directory.codes_of(caller.account_id, product, position, limit + 1)),
            limit,
            lambda one: (one.product, one.code),
        )
        items = [CodeOut(id=one.id, product=one.product, code=one.code) for one in found.items]
        return Page(items=items, next_cursor=found.next_cursor)

    return routes


def _user(contact: Contact) -> dict[str, Any]:
    return contact.model_dump(mode="json", include=set(UserOut.model_fields) - {"password"})


def _recipients(emails: tuple[str, ...]) -> Recipients:
    return Recipients(items=[Recipient(email=email) for email in emails])
