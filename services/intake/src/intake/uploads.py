"""Uploads: bytes that are here before the case that will name them.

One request's bytes go straight into their object, hashed and counted as they pass. A resumable upload is kept in
parts, each an object of its own, so that any process can take the next one; its hash is taken when the last part is
there and the parts are joined.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import uuid4

from caseway_contracts.base import ObjectRef
from caseway_kit.archives import Content, detect
from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from caseway_kit.faults import fault_point
from caseway_kit.objects import ObjectMissing, Objects
from intake.passing import Passing, parts_of, whole
from intake.refusals import Fault, NotFound, TooLarge, TooMany, WrongOffset
from intake.upload import Part, Upload

USABLE = timedelta(hours=24)
JOINED_AT_ONCE = 2
OVER_QUOTA_SECONDS = 3600


@dataclass(frozen=True)
class Quota:
    """What an account may have lying here that no case names: number and bytes."""

    uploads: int
    size: int

    def holds(self, held: "Quota") -> bool:
        return held.uploads <= self.uploads and held.size <= self.size


class Claims(Protocol):
    async def claimed(self, upload_ids: Sequence[str]) -> set[str]:
        """Those of the uploads that a case names."""


class UploadRepository(Protocol):
    async def add(self, upload: Upload) -> None: ...

    async def find(self, account_id: str, upload_ids: Sequence[str]) -> dict[str, Upload]: ...

    async def finish(self, upload: Upload) -> None:
        """Store what is known once all bytes are there."""

    async def held(self, account_id: str) -> Quota:
        """What the account has that expires some day; of what is not complete yet, as much as was announced."""

    async def held_ids(self, account_id: str) -> list[str]: ...

    async def begin_part(self, upload_id: str, writer: str) -> None: ...

    async def add_part(self, upload_id: str, at: int, part: Part) -> bool:
        """False when the upload does not stand at that offset any more."""

    async def remove(self, upload_id: str) -> None: ...

    async def expired(self, before: datetime, limit: int) -> list[Upload]: ...

    async def expire(self, upload_id: str, now: datetime) -> None: ...

    async def keep(self, upload_ids: Sequence[str]) -> None:
        """A case names them: they expire no more."""


class Uploads:
    def __init__(
        self,
        repository: UploadRepository,
        objects: Objects,
        claims: Claims,
        clock: Clock,
        *,
        largest: int,
        quota: Quota,
    ) -> None:
        self._repository = repository
        self._claims = claims
        self._quota = quota
        self._objects = objects
        self._clock = clock
        self._joining = asyncio.Semaphore(JOINED_AT_ONCE)
        self.largest = largest

    async def receive(
        self, account_id: str, contact_id: str, name: str, chunks: AsyncIterator[bytes], length: int | None = None
    ) -> Upload:
        """Take a whole upload, of the ``length`` that its sender has announced.

        Raises TooMany, or TooLarge as soon as a byte too many arrives.
        """
        most = self.largest if length is None else length
        upload = self._made(account_id, contact_id, name, "receiving", most)
        # Stored first: were this process killed, the sweeper would find what it left.
        await self._add(upload)
        passing = Passing(self.largest)
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
        upload = self._made(account_id, contact_id, name, "open", length)
        await self._add(upload)
        return upload if length else await self._join(upload)

    async def find(self, account_id: str, upload_id: str) -> Upload:
        found = (await self._repository.find(account_id, [upload_id])).get(upload_id)
        if found is None or found.state == "receiving" or found.expired(self._clock.now()):
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
        async for part in parts_of(chunks):
            if offset + len(part) > (upload.length or 0):
                raise TooLarge(f"The upload was opened for {upload.length} bytes.")
            key = upload.part_key(writer, number)
            await self._objects.put_stream(key, whole(part))
            if not await self._repository.add_part(upload.upload_id, offset, Part(key=key, size=len(part))):
                await self._objects.delete(key)  # the upload may be swept already, and nobody would find it
                raise WrongOffset((await self.find(upload.account_id, upload.upload_id)).offset)
            offset, number = offset + len(part), number + 1
        upload = await self.find(upload.account_id, upload.upload_id)
        return await self._join(upload) if upload.offset == upload.length and upload.state == "open" else upload

    async def copy(self, account_id: str, contact_id: str, name: str, source: ObjectRef) -> Upload:
        """An upload whose bytes are those of an object that is here already."""
        return await self.receive(account_id, contact_id, name, self._objects.stream(source.key), source.size)

    async def withdraw(self, upload: Upload) -> None:
        """Let no case name it from now on. Its bytes go with the next sweep: a submission may have just found it."""
        await self._repository.expire(upload.upload_id, self._clock.now())

    async def discard(self, upload: Upload) -> None:
        """Delete the bytes, then what is known of them."""
        await self._objects.delete(upload.key)
        await self._delete_parts(upload)
        await self._repository.remove(upload.upload_id)

    async def _add(self, upload: Upload) -> None:
        """Added before it is counted, so that of many at once none is overlooked."""
        await self._repository.add(upload)
        if self._quota.holds(await self._repository.held(upload.account_id)):
            return
        # Nobody noted yet which of them cases have named meanwhile.
        await self._repository.keep(
            sorted(await self._claims.claimed(await self._repository.held_ids(upload.account_id)))
        )
        if not self._quota.holds(await self._repository.held(upload.account_id)):
            await self._repository.remove(upload.upload_id)
            raise TooMany(_over(self._quota), OVER_QUOTA_SECONDS)

    async def _join(self, upload: Upload) -> Upload:
        passing = Passing(self.largest)
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

    async def _finished(self, upload: Upload, passing: Passing) -> Upload:
        finished = upload.model_copy(
            update={
                "state": "ready",
                "length": passing.size,
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
        length: int,
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


def _over(quota: Quota) -> Fault:
    says = f"At most {quota.uploads} uploads of an account, {quota.size // 2**20} MiB, may wait for a case."
    help_text = "Submit what is uploaded already; what no case names is deleted after a day."
    return Fault("/Upload-Length", "upload.quota", says, help_text)
