import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from intake_fakes import PLAIN, FakePeek

from caseway_kit.errors import OutageError
from caseway_kit.objects import Objects
from caseway_kit.sandbox import Sandbox, SandboxCrash, SandboxLimit, SandboxUnavailable
from caseway_kit.testing.clock import FixedClock
from intake.peeking import Glance, RememberingPeek, SandboxPeek
from intake.upload import Upload

SHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello"


UPLOADED = {
    "upload_id": "u1",
    "account_id": "acme",
    "contact_id": "anna",
    "name": "note.txt",
    "state": "ready",
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": None,
}


def left_in(folder: Path) -> list[Path]:
    return list(folder.glob("peek-*"))


class OneAnswer:
    """A sandbox of which every job ends alike."""

    def __init__(self, end: Exception | dict[str, Any]) -> None:
        self._end = end

    async def run(self, function: str, *args: object, sample: Path, budget: object) -> dict[str, Any]:
        assert sample.name.startswith("peek-")
        if isinstance(self._end, Exception):
            raise self._end
        return self._end


@pytest.fixture
async def upload(objects: Objects, clock: FixedClock) -> Upload:
    upload = Upload(
        upload_id="u1",
        account_id="acme",
        contact_id="anna",
        name="a.txt",
        state="ready",
        created_at=clock.now(),
        expires_at=clock.now() + timedelta(hours=1),
        sha256=SHA256,
    )

    async def bytes_of_it() -> Any:
        yield b"hello"

    await objects.put_stream(upload.key, bytes_of_it())
    return upload


@pytest.fixture
def peek_that(objects: Objects, tmp_path: Path) -> Callable[[Any], SandboxPeek]:
    return lambda end: SandboxPeek(cast(Sandbox, OneAnswer(end)), objects, tmp_path)


@pytest.mark.parametrize("end", [SandboxLimit("wall_seconds", "stopped"), SandboxCrash(11)])
async def test_a_sample_that_stops_its_parser_is_not_seen(
    upload: Upload, peek_that: Callable[[Any], SandboxPeek], end: Exception, tmp_path: Path
) -> None:
    assert await peek_that(end).look(upload, None) == Glance(None)
    assert left_in(tmp_path) == []


async def test_without_a_sandbox_nothing_is_said_about_the_sample(
    upload: Upload, peek_that: Callable[[Any], SandboxPeek]
) -> None:
    with pytest.raises(OutageError, match="sandbox"):
        await peek_that(SandboxUnavailable("no children")).look(upload, None)


async def test_bytes_that_are_not_those_that_were_uploaded_are_not_looked_at(
    upload: Upload, peek_that: Callable[[Any], SandboxPeek], objects: Objects
) -> None:
    other = upload.model_copy(update={"sha256": "0" * 64})
    assert await peek_that({}).look(other, None) is None
    await objects.delete(upload.key)
    assert await peek_that({}).look(upload, None) is None


async def test_an_account_with_much_to_look_at_keeps_nobody_waiting(
    upload: Upload, objects: Objects, tmp_path: Path
) -> None:
    class Slow:
        """Whose jobs of one account never end."""

        names: ClassVar[list[str]] = []

        async def run(self, function: str, name: str, *args: object, sample: Path, budget: object) -> dict[str, Any]:
            self.names.append(name)
            if name == upload.name:
                await asyncio.Event().wait()
            return dict(PLAIN)

    peek = SandboxPeek(cast(Sandbox, Slow()), objects, tmp_path)
    other = upload.model_copy(update={"account_id": "other", "name": "b.txt"})
    await objects.copy(upload.key, other.key)
    looks = [asyncio.create_task(peek.look(upload, None)) for _ in range(5)]
    async with asyncio.timeout(60):
        while not Slow.names:
            await asyncio.sleep(0.01)
        assert await peek.look(other, None) == Glance(PLAIN)
    assert Slow.names == ["a.txt", "b.txt"]
    for look in looks:
        look.cancel()
    await asyncio.gather(*looks, return_exceptions=True)


async def test_scratch_space_that_is_away_is_an_outage(upload: Upload, objects: Objects, tmp_path: Path) -> None:
    peek = SandboxPeek(cast(Sandbox, OneAnswer({})), objects, tmp_path / "missing")
    with pytest.raises(OutageError, match="scratch"):
        await peek.look(upload, None)


async def test_the_same_upload_with_the_same_password_is_looked_at_once() -> None:
    upload = Upload.model_validate({**UPLOADED, "name": "locked.zip"})
    peek = FakePeek()
    remembering = RememberingPeek(peek)
    for password in (None, "guess", None, "guess"):
        assert await remembering.look(upload, password) == Glance(PLAIN)
    assert peek.looked_at == [("locked.zip", None), ("locked.zip", "guess")]


async def test_a_look_that_saw_nothing_is_tried_again() -> None:
    upload = Upload.model_validate({**UPLOADED, "name": "slow.zip"})
    peek = FakePeek()
    peek.seen["slow.zip"] = None
    remembering = RememberingPeek(peek, most=1)
    await remembering.look(upload, None)
    assert await remembering.look(upload, None) == Glance(None)
    assert len(peek.looked_at) == 2


async def test_no_more_glances_are_kept_than_there_is_room_for() -> None:
    peek = FakePeek()
    remembering = RememberingPeek(peek, most=1)
    for password in ("a", "b", "a"):
        await remembering.look(Upload.model_validate(UPLOADED), password)
    assert len(peek.looked_at) == 3
