from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from caseway_contracts.http import ProfileIn
from caseway_kit.auth import Caller, require
from caseway_kit.bodies import StrictRoute
from caseway_kit.paging import DEFAULT_LIMIT, Cursor, Limit, Page, from_cursor, page_of
from profiles.once import Once
from profiles.product_profiles import ProductProfiles, view
from profiles.replies_api import IfMatch, Post, expected_revision, set_etag

Anybody = Annotated[Caller, Depends(require())]
Customer = Annotated[Caller, Depends(require("customer", "account_admin"))]


class ProfileBody(ProfileIn):
    """As it is saved, or as it was read: id and revision may stay in it."""

    id: Annotated[str, Field(max_length=64)] | None = None
    revision: Annotated[int, Field(ge=1)] | None = None


class ProfileOut(ProfileIn):
    id: str
    revision: int


def profile_routes(profiles: ProductProfiles, once: Once) -> APIRouter:
    routes = APIRouter(route_class=StrictRoute, tags=["product profiles"])

    @routes.get("/profiles")
    async def list_profiles(caller: Anybody, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[ProfileOut]:
        """Product profiles of the caller's account, by name."""
        (after,) = from_cursor(cursor, str) or (None,)
        found = page_of(
            list(await profiles.page(caller.account_id, after, limit + 1)), limit, lambda one: (one.name_key,)
        )
        items = [ProfileOut.model_validate(view(one)) for one in found.items]
        return Page(items=items, next_cursor=found.next_cursor)

    @routes.post("/profiles", status_code=201, response_model=ProfileOut)
    async def add_profile(response: Response, caller: Customer, post: Post, body: ProfileBody) -> dict[str, Any]:
        async def make(profile_id: str) -> dict[str, Any]:
            content = body.model_dump(exclude={"id", "revision"})
            return view(await profiles.add(profile_id, caller.account_id, content))

        answer = await post.answer(once, make, caller=caller, body=body, prefix="prof")
        response.headers["Location"] = f"{post.path}/{answer['id']}"
        set_etag(response, answer)
        return answer

    @routes.get("/profiles/{profile_id}", response_model=ProfileOut)
    async def get_profile(response: Response, caller: Anybody, profile_id: str) -> dict[str, Any]:
        answer = view(await profiles.get(caller.account_id, profile_id))
        set_etag(response, answer)
        return answer

    @routes.put("/profiles/{profile_id}", response_model=ProfileOut)
    async def change_profile(
        response: Response, caller: Customer, profile_id: str, body: ProfileBody, if_match: IfMatch = None
    ) -> dict[str, Any]:
        """Replaces the content. An old ``If-Match`` is refused with 412, an old revision in the body with 409."""
        expected = expected_revision(if_match)
        answer = view(await profiles.change(caller.account_id, profile_id, body.model_dump(), expected=expected))
        set_etag(response, answer)
        return answer

    @routes.delete("/profiles/{profile_id}", status_code=204)
    async def delete_profile(caller: Customer, profile_id: str, if_match: IfMatch = None) -> None:
        await profiles.delete(caller.account_id, profile_id, expected=expected_revision(if_match))

    return routes
