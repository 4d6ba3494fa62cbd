"""Product profiles, asked of profiles with the caller's own token and kept until the topic states a newer revision."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from caseway_contracts.clients import ProfilesClient, ServiceAway
from caseway_kit.errors import OutageError
from intake.refusals import TokenRefused

KEPT = 10_000

Profile = dict[str, Any]
Fetch = Callable[[str, str], Awaitable[Profile | None]]


def fetch_from(client: ProfilesClient) -> Fetch:
    async def fetch(token: str, profile_id: str) -> Profile | None:
        try:
            return await client.profile(token, profile_id)
        except ServiceAway as away:
            raise OutageError("profiles", str(away)) from away
        except httpx.HTTPStatusError as error:
            if error.response.status_code in (401, 403):
                raise TokenRefused from error
            return None

    return fetch


class ProfilesCache:
    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._kept: OrderedDict[tuple[str, str], Profile] = OrderedDict()
        self._asking: dict[tuple[str, str], asyncio.Future[Profile | None]] = {}
        self._newest: OrderedDict[str, int] = OrderedDict()
        self._deleted: OrderedDict[str, bool] = OrderedDict()

    async def profile(self, account_id: str, token: str, profile_id: str, at_least: int = 0) -> Profile | None:
        """The account's profile, of that revision or a newer one; None when there is none."""
        if profile_id in self._deleted:
            return None
        wanted = max(at_least, self._newest.get(profile_id, 0))
        known = self._kept.get((account_id, profile_id))
        if known is None or known["revision"] < wanted:
            known = await self._asked(token, profile_id, wanted)
            if known is None or known["revision"] < at_least:
                return None
            # What was stated while the answer was on its way is newer than the answer.
            if known["revision"] >= self._newest.get(profile_id, 0) and profile_id not in self._deleted:
                _keep(self._kept, (account_id, profile_id), known)
        return known

    async def _asked(self, token: str, profile_id: str, wanted: int) -> Profile | None:
        """Submissions that miss the same profile at once share one question, where its answer is new enough."""
        # By the token: what one person may not see, another's answer must not show.
        asking = self._asking.get((token, profile_id))
        if asking is not None:
            known = await asyncio.shield(asking)
            return known if known is not None and known["revision"] >= wanted else await self._fetch(token, profile_id)
        asking = asyncio.ensure_future(self._fetch(token, profile_id))
        self._asking[token, profile_id] = asking
        asking.add_done_callback(lambda _: self._asking.pop((token, profile_id), None))
        return await asyncio.shield(asking)

    def saved(self, profile_id: str, revision: int) -> None:
        _keep(self._newest, profile_id, max(revision, self._newest.get(profile_id, 0)))

    def deleted(self, profile_id: str) -> None:
        _keep(self._deleted, profile_id, True)


def _keep(kept: OrderedDict[Any, Any], key: object, value: object) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > KEPT:
        kept.popitem(last=False)
