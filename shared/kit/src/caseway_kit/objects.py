"""The object store: words and bytes, immutable, one prefix a case. A directory or any S3, by its URL."""

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from obstore import open_writer_async
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.exceptions import NotFoundError as StoreNotFound
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from caseway_contracts.base import Contract, ObjectRef
from caseway_kit.errors import OutageError

PART = "object store"
READ_CHUNK = 1024 * 1024
LOCAL_BUFFER = 1024 * 1024
# S3 takes at most 10,000 parts of an object, and none but the last below 5 MiB.
REMOTE_BUFFER = 8 * 1024 * 1024

Model = TypeVar("Model", bound=Contract)


class ObjectMissing(Exception):
    """No object of that key: erased, or never written."""


class ObjectDamaged(Exception):
    """The bytes of an object are not those whose hash its reference states."""


def new_salt() -> str:
    """Random text that makes the hash of an object of words unguessable; saved where the words are first saved."""
    return secrets.token_hex(16)


class _SenderFailed(Exception):
    """What the sender of a stream raised: no failure of the store."""

    def __init__(self, error: Exception) -> None:
        self.error = error


async def _marked(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield chunk
    except Exception as error:
        raise _SenderFailed(error) from error


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except (StoreNotFound, FileNotFoundError) as error:
        raise ObjectMissing(key) from error
    except AlreadyExistsError:
        raise
    except (BaseError, OSError) as error:
        raise OutageError(PART, type(error).__name__) from error


def json_object(prefix: str, model: Contract) -> tuple[ObjectRef, bytes]:
    """What :meth:`Objects.put_json` would write, and the reference to it, without writing."""
    body = model.model_dump_json().encode()
    sha256 = hashlib.sha256(body).hexdigest()
    return ObjectRef(key=f"{prefix}-{sha256}.json", sha256=sha256, size=len(body)), body


class Objects:
    def __init__(self, store: ObjectStore, *, buffer_size: int = LOCAL_BUFFER) -> None:
        self._store = store
        self._buffer_size = buffer_size

    async def put_json(self, prefix: str, model: Contract) -> ObjectRef:
        """Write ``{prefix}-{sha256}.json``; an object that is there already is the same one."""
        ref, body = json_object(prefix, model)
        await self.put(ref, body)
        return ref

    async def put(self, ref: ObjectRef, body: bytes) -> None:
        """Create the object of a reference; one that is there already is left as it is."""
        try:
            with _translated(ref.key):
                await self._store.put_async(ref.key, body, mode="create")
        except AlreadyExistsError:
            return

    async def get_json(self, ref: ObjectRef, model: type[Model]) -> Model:
        with _translated(ref.key):
            body = bytes(await (await self._store.get_async(ref.key)).bytes_async())
        if hashlib.sha256(body).hexdigest() != ref.sha256:
            raise ObjectDamaged(ref.key)
        return model.model_validate_json(body)

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Write an object as its bytes arrive; nothing is there under the key until all of them are."""
        try:
            with _translated(key):
                async with open_writer_async(
                    self._store, key, buffer_size=self._buffer_size, max_concurrency=2
                ) as writer:
                    async for chunk in _marked(chunks):
                        await writer.write(chunk)
        except _SenderFailed as failed:
            raise failed.error from None

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        with _translated(key):
            async for chunk in (await self._store.get_async(key)).stream(min_chunk_size=READ_CHUNK):
                yield bytes(chunk)

    async def fetch(self, key: str, path: Path, sha256: str | None = None) -> None:
        """Copy an object to a local file, checking its hash as the bytes pass."""
        digest = hashlib.sha256()
        with path.open("wb") as file:
            async for chunk in self.stream(key):
                digest.update(chunk)
                file.write(chunk)
        if sha256 is not None and digest.hexdigest() != sha256:
            raise ObjectDamaged(key)

    async def exists(self, key: str) -> bool:
        try:
            with _translated(key):
                await self._store.head_async(key)
        except ObjectMissing:
            return False
        return True

    async def copy(self, source: str, target: str) -> None:
        with _translated(source):
            await self._store.copy_async(source, target)

    async def delete(self, key: str) -> None:
        """Delete an object; one that is not there is no error."""
        try:
            with _translated(key):
                await self._store.delete_async(key)
        except ObjectMissing:
            return

    async def ping(self) -> None:
        """Raise :class:`OutageError` unless the store answers."""
        await self.exists("ping")


def open_objects(url: str) -> Objects:
    """The store of a URL: ``file:///dir`` (made when missing), ``s3://bucket/prefix``, ``memory://`` (tests only)."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Objects(LocalStore(parts.path, automatic_cleanup=True, mkdir=True))
    if parts.scheme == "memory":
        return Objects(MemoryStore())
    return Objects(from_url(url), buffer_size=REMOTE_BUFFER)
