"""Many requests, one write: what arrives while a write is under way shares the next one."""

import asyncio

from caseway_kit.mongo import Collection, Document, DuplicateKey

# Well under what MongoDB takes in one message (48 MB, 100,000 documents).
MAX_DOCUMENTS = 500


class GroupCommit:
    """Inserts documents in groups. Each caller learns what became of its own document, and of no other."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._waiting: list[tuple[Document, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def insert(self, document: Document) -> None:
        """Return once the document is journalled by a majority. Raises DuplicateKey or OutageError."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((document, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:MAX_DOCUMENTS], self._waiting[MAX_DOCUMENTS:]
            try:
                refused = await self._collection.insert_many([document for document, _ in group])
            except Exception as error:
                for _, done in group:
                    if not done.done():
                        done.set_exception(error)
                continue
            for position, (_, done) in enumerate(group):
                self._settle(done, refused.get(position))

    @staticmethod
    def _settle(done: asyncio.Future[None], refusal: DuplicateKey | None) -> None:
        if done.done():  # its caller went away
            return
        if refusal is None:
            done.set_result(None)
        else:
            done.set_exception(refusal)
