"""Protected zips: how samples leave the system, and what tests are made of."""

import ctypes
import threading
from collections.abc import Mapping
from typing import Literal

from caseway_kit.archives import library
from caseway_kit.archives.library import lib

Encryption = Literal["zipcrypt", "aes128", "aes256"]


def protected_zip(
    members: Mapping[str, bytes], password: str | bytes | None, *, encryption: Encryption = "aes256"
) -> bytes:
    """A zip of ``members``, encrypted unless ``password`` is None. ``zipcrypt`` is what every old tool can open."""
    # Deflate grows what it can't shrink by a few bytes a block; headers, names and ciphers need some more.
    room = sum(len(data) + len(data) // 1000 + 4 * len(name.encode()) + 512 for name, data in members.items()) + 1024
    out = ctypes.create_string_buffer(room)
    used = ctypes.c_size_t()
    handle = lib.archive_write_new()
    try:
        _prepare(handle, password, encryption)
        _checked(lib.archive_write_open_memory(handle, out, room, ctypes.byref(used)))
        for name, data in members.items():
            _begin_member(handle, name, len(data))
            _write(handle, data)
        _checked(lib.archive_write_close(handle))
    finally:
        lib.archive_write_free(handle)
    return out.raw[: used.value]


class ZipOfOne:
    """A protected zip of one member, given out piece by piece while it is written."""

    def __init__(self, name: str, size: int, password: str) -> None:
        self._written: list[bytes] = []
        self._taker = library.TAKER(self._take)  # the library calls it for as long as the handle lives
        self._lock = threading.Lock()
        self._handle: int | None = lib.archive_write_new()
        _prepare(self._open(), password, "aes256")
        _checked(lib.archive_write_open(self._open(), None, None, self._taker, None))
        _begin_member(self._open(), name, size)

    def write(self, data: bytes) -> bytes:
        """Adds to the member; gives what of the zip is ready by then."""
        with self._lock:
            _write(self._open(), data)
            return self._ready()

    def finish(self) -> bytes:
        with self._lock:
            _checked(lib.archive_write_close(self._open()))
            return self._ready()

    def close(self) -> None:
        """Waits for a write that another thread is at; one that only comes then raises ValueError."""
        with self._lock:
            handle, self._handle = self._handle, None
            lib.archive_write_free(handle)

    def _open(self) -> int:
        if self._handle is None:
            raise ValueError("the zip is closed")
        return self._handle

    def _take(self, _handle: int, _data: int, buffer: int, length: int) -> int:
        self._written.append(ctypes.string_at(buffer, length))
        return length

    def _ready(self) -> bytes:
        ready = b"".join(self._written)
        self._written.clear()
        return ready


def _prepare(handle: int, password: str | bytes | None, encryption: Encryption) -> None:
    _checked(lib.archive_write_set_format_zip(handle))
    if password is not None:
        _checked(lib.archive_write_set_options(handle, f"zip:encryption={encryption}".encode()))
        typed = password.encode() if isinstance(password, str) else password
        _checked(lib.archive_write_set_passphrase(handle, typed))
    lib.archive_write_set_bytes_in_last_block(handle, 1)


def _begin_member(handle: int, name: str, size: int) -> None:
    entry = lib.archive_entry_new()
    try:
        lib.archive_entry_set_pathname_utf8(entry, name.encode())
        lib.archive_entry_set_size(entry, size)
        lib.archive_entry_set_filetype(entry, library.REGULAR)
        lib.archive_entry_set_perm(entry, 0o600)
        _checked(lib.archive_write_header(handle, entry))
    finally:
        lib.archive_entry_free(entry)


def _write(handle: int, data: bytes) -> None:
    if data and lib.archive_write_data(handle, data, len(data)) != len(data):
        raise OSError("the archive library wrote less than it was given")


def _checked(code: int) -> None:
    if code < library.WARN:
        raise OSError(f"the archive library refused: {code}")
