"""Uploads: bytes that are here before the case that will name them.

One request's bytes go straight into their object, hashed and counted as they pass. A resumable upload is kept in
parts, each an object of its own, so that any process can take the next one; its hash is taken when the last part is
there and the parts are joined.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from caseway_kit.archives import Content, detect
from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from caseway_kit.faults import fault_point
from caseway_kit.objects import ObjectMissing, Objects
from intake.refusals import NotFound, TooLarge, WrongOffset

USABLE = timedelta(hours=24)
PART_BYTES = 512 * 1024
JOINED_AT_ONCE = 2
HEAD_BYTES = 8192


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: str
    size: int


class Upload(BaseModel):
    model_config = ConfigDict(frozen=True)

    upload_id: str
    account_id: str
    contact_id: str
    name: str
    state: Literal["receiving", "open", "ready"]
    created_at: datetime
    expires_at: datetime | None
    """None once a case names it."""
    length: int | None = None
    offset: int = 0
    parts: tuple[Part, ...] = ()
    writers: tuple[str, ...] = ()
    """Each request that adds parts has a folder of its own, so that two of them never write the same object."""
    sha256: str | None = None
    size: int | None = None
    type: str | None = None

    @property
    def key(self) -> str:
        return f"accounts/{self.account_id}/uploads/{self.upload_id}"

    def part_key(self, writer: str, number: int) -> str:
        return f"accounts/{self.account_id}/parts/{self.upload_id}/{writer}/{number}"

    def usable(self, now: datetime) -> bool:
        return self.state == "ready" and (self.expires_at is None or self.expires_at > now)


class UploadRepository(Protocol):
    async def add(self, upload: Upload) -> None: ...

    async def find(self, account_id: str, upload_ids: Sequence[str]) -> dict[str, Upload]: ...

    async def finish(self, upload: Upload) -> None:
        """Store what is known once all bytes are there."""

    async def begin_part(self, upload_id: str, writer: str) -> None: ...

    async def add_part(self, upload_id: str, at: int, part: Part) -> bool:
        """False when the upload does not stand at that offset any more."""

    async def remove(self, upload_id: str) -> None: ...

    async def expired(self, before: datetime, limit: int) -> list[Upload]: ...

    async def expire(self, upload_id: str, now: datetime) -> None: ...

    async def keep(self, upload_ids: Sequence[str]) -> None:
        """A case names them: they expire no more."""


class Uploads:
    def __init__(self, repository: UploadRepository, objects: Objects, clock: Clock, *, largest: int) -> None:
        self._repository = repository
        self._objects = objects
        self._clock = clock
        self._joining = asyncio.Semaphore(JOINED_AT_ONCE)
        self.largest = largest

    async def receive(self, account_id: str, contact_id: str, name: str, chunks: AsyncIterator[bytes]) -> Upload:
        """Take a whole upload. Raises TooLarge as soon as a byte too many arrives."""
        upload = self._made(account_id, contact_id, name, "receiving")
        # Stored first: were this process killed, the sweeper would find what it left.
        await self._repository.add(upload)
        passing = _Passing(self.largest)
        try:
            await self._objects.put_stream(upload.key, passing.of(chunks))
            fault_point("K1")
        except BaseException:
            with contextlib.suppress(OutageError):
                await self.discard(upload)
            raise
        return await self._finished(upload, passing)

    async def open(self, account_id: str, contact_id: str, name: str, length: int) -> Upload:
        if length > self.largest:
            raise TooLarge(f"An upload may have at most {self.largest} bytes.")
        upload = self._made(account_id, contact_id, name, "open", length=length)
        await self._repository.add(upload)
        return upload if length else await self._join(upload)

    async def find(self, account_id: str, upload_id: str) -> Upload:
        found = (await self._repository.find(account_id, [upload_id])).get(upload_id)
        if found is None or found.state == "receiving":
            raise NotFound
        return found

    async def append(self, upload: Upload, offset: int, chunks: AsyncIterator[bytes]) -> Upload:
        """Keep what arrives, part by part; what was kept stays when the sender breaks off."""
        if offset != upload.offset:
            raise WrongOffset(upload.offset)
        if upload.state == "ready":  # its sender did not hear that it is
            return upload
        writer = uuid4().hex
        await self._repository.begin_part(upload.upload_id, writer)
        number = 0
        async for part in _parts(chunks):
            if offset + len(part) > (upload.length or 0):
                raise TooLarge(f"The upload was opened for {upload.length} bytes.")
            key = upload.part_key(writer, number)
            await self._objects.put_stream(key, _one(part))
            if not await self._repository.add_part(upload.upload_id, offset, Part(key=key, size=len(part))):
                raise WrongOffset((await self.find(upload.account_id, upload.upload_id)).offset)
            offset, number = offset + len(part), number + 1
        upload = await self.find(upload.account_id, upload.upload_id)
        return await self._join(upload) if upload.offset == upload.length and upload.state == "open" else upload

    async def copy(self, account_id: str, contact_id: str, name: str, source: str) -> Upload:
        """An upload whose bytes are those of an object that is here already."""
        return await self.receive(account_id, contact_id, name, self._objects.stream(source))

    async def withdraw(self, upload: Upload) -> None:
        """Let no case name it from now on. Its bytes go with the next sweep: a submission may have just found it."""
        await self._repository.expire(upload.upload_id, self._clock.now())

    async def discard(self, upload: Upload) -> None:
        """Delete the bytes, then what is known of them."""
        await self._objects.delete(upload.key)
        await self._delete_parts(upload)
        await self._repository.remove(upload.upload_id)

    async def _join(self, upload: Upload) -> Upload:
        passing = _Passing(self.largest)
        try:
            async with self._joining:  # all of its bytes are here, so that it comes as fast as the disk
                await self._objects.put_stream(upload.key, passing.of(self._joined(upload)))
        except ObjectMissing:
            # Somebody else joined them meanwhile, and has cleared up.
            upload = await self.find(upload.account_id, upload.upload_id)
            if upload.state != "ready":
                raise
            return upload
        finished = await self._finished(upload, passing)
        await self._delete_parts(upload)
        return finished

    async def _joined(self, upload: Upload) -> AsyncIterator[bytes]:
        for part in upload.parts:
            async for chunk in self._objects.stream(part.key):
                yield chunk

    async def _delete_parts(self, upload: Upload) -> None:
        for writer in upload.writers:
            number = 0
            while await self._objects.exists(key := upload.part_key(writer, number)):
                await self._objects.delete(key)
                number += 1

    async def _finished(self, upload: Upload, passing: "_Passing") -> Upload:
        finished = upload.model_copy(
            update={
                "state": "ready",
                "offset": passing.size,
                "size": passing.size,
                "sha256": passing.digest.hexdigest(),
                "type": detect(Content.of_bytes(passing.head), upload.name).mime,
                "expires_at": self._clock.now() + USABLE,
                "parts": (),
            }
        )
        await self._repository.finish(finished)
        return finished

    def _made(
        self,
        account_id: str,
        contact_id: str,
        name: str,
        state: Literal["receiving", "open"],
        length: int | None = None,
    ) -> Upload:
        now = self._clock.now()
        return Upload(
            upload_id=str(uuid4()),
            account_id=account_id,
            contact_id=contact_id,
            name=name,
            state=state,
            created_at=now,
            expires_at=now + USABLE,
            length=length,
        )


class _Passing:
    """Hashes and counts what passes through it, and keeps the beginning."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self.digest = hashlib.sha256()
        self.size = 0
        self.head = b""

    async def of(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self.size += len(chunk)
            if self.size > self._largest:
                raise TooLarge(f"An upload may have at most {self._largest} bytes.")
            if len(self.head) < HEAD_BYTES:
                self.head = (self.head + chunk)[:HEAD_BYTES]
            self.digest.update(chunk)
            yield chunk


async def _parts(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks in parts of one size; when the sender breaks off, what came of the last one, and then the break."""
    held = bytearray()
    try:
        async for chunk in chunks:
            held += chunk
            while len(held) >= PART_BYTES:
                yield bytes(held[:PART_BYTES])
                del held[:PART_BYTES]
    except Exception as broken:
        if held:
            yield bytes(held)
        raise broken
    if held:
        yield bytes(held)


async def _one(part: bytes) -> AsyncIterator[bytes]:
    yield part
