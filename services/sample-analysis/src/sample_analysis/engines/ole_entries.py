"""OLE storages with a limit on their entries: the library compares each with all before it."""

import olefile

ENTRIES = 20_000


class TooMany(ValueError):
    """More entries than a mail or a document has, as in one that was made to wear a reader out."""


class LimitedOle(olefile.OleFileIO):  # type: ignore[misc]  # the library has no types
    """Raises TooMany."""

    _loaded = 0

    def _load_direntry(self, sid: int) -> object:
        self._loaded += 1
        if self._loaded > ENTRIES:
            raise TooMany
        return super()._load_direntry(sid)
