"""A customer's own pieces, handed back in a protected zip while they are read, to readers who may never take them."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from fastapi import FastAPI
from page_fakes import Tab
from portal_fakes import SR, FakeFreshCases, Stream

from caseway_contracts.base import ObjectRef
from caseway_kit.archives import Budget, Content, Limits, open_archive
from caseway_kit.objects import ObjectDamaged, Objects
from portal.pages.samples import DOWNLOADS_EACH

PIECE = "1b1f6a3e-5a0c-4a37-9b42-2f0b6a1f7f10"
PATH = f"/requests/{SR}/evidence/{PIECE}.zip"
KEY = "accounts/a1/uploads/large"
CHUNKS = 8
LARGE = bytes(CHUNKS * 1024 * 1024)


class StuckReader(Stream):
    """Takes the first bytes and no more."""

    async def _send(self, message: Any) -> None:
        self.status = self.status or message.get("status", 0)
        if message.get("body"):
            await self._gone.wait()


@pytest.fixture
async def large(our_case: str, fresh: FakeFreshCases, objects: Objects) -> str:
    digest = hashlib.sha256(LARGE).hexdigest()
    await objects.put(ObjectRef(key=KEY, sha256=digest, size=len(LARGE)), LARGE)
    case = fresh.cases[our_case]
    piece = case.evidence[0].model_copy(update={"key": KEY, "sha256": digest, "size": len(LARGE)})
    fresh.cases[our_case] = case.model_copy(update={"evidence": (piece,)})
    return digest


@pytest.fixture
def read(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the chunks that were read of objects."""
    sizes: list[int] = []
    stream = objects.stream

    async def counted(key: str) -> AsyncIterator[bytes]:
        async for chunk in stream(key):
            sizes.append(len(chunk))
            yield chunk

    monkeypatch.setattr(objects, "stream", counted)
    return sizes


async def test_a_piece_comes_back_as_it_was_in_a_protected_zip(tab: Tab, large: str) -> None:
    answer = await tab.get(PATH)
    assert answer.status_code == 200
    with Content.of_bytes(answer.content) as content:
        budget = Budget(limits=Limits(), piece_bytes=content.size)
        with open_archive(content, budget=budget, passwords=["infected"], name="") as archive:
            [(name, data)] = [(one.path, b"".join(one.chunks())) for one in archive.members()]
    assert (name, hashlib.sha256(data).hexdigest()) == ("a.zip", large)


@pytest.mark.usefixtures("large")
async def test_readers_who_never_read_hold_little_and_leave_room_for_others(
    api: FastAPI, tab: Tab, read: list[int]
) -> None:
    cookie = f"caseway-session={tab.http.cookies['caseway-session']}"
    async with AsyncExitStack() as stuck:
        for _ in range(DOWNLOADS_EACH):
            reader = await stuck.enter_async_context(StuckReader(api, PATH, cookie=cookie))
            await reader.until(lambda one: one.status == 200)
        refused = await tab.get(PATH)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
        assert len(read) < CHUNKS * DOWNLOADS_EACH
    assert (await tab.get(PATH)).status_code == 200


@pytest.mark.usefixtures("large")
async def test_what_is_damaged_breaks_off(tab: Tab, objects: Objects) -> None:
    await objects.delete(KEY)
    await objects.put(ObjectRef(key=KEY, sha256=hashlib.sha256(b"x").hexdigest(), size=1), b"x")
    with pytest.raises(ObjectDamaged):
        await tab.get(PATH)
