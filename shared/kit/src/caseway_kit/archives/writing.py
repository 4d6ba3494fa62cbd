"""Protected zips, written in memory: how samples leave the system, and what tests are made of."""

import ctypes
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
        _checked(lib.archive_write_set_format_zip(handle))
        if password is not None:
            _checked(lib.archive_write_set_options(handle, f"zip:encryption={encryption}".encode()))
            typed = password.encode() if isinstance(password, str) else password
            _checked(lib.archive_write_set_passphrase(handle, typed))
        lib.archive_write_set_bytes_in_last_block(handle, 1)
        _checked(lib.archive_write_open_memory(handle, out, room, ctypes.byref(used)))
        for name, data in members.items():
            _write_member(handle, name, data)
        _checked(lib.archive_write_close(handle))
    finally:
        lib.archive_write_free(handle)
    return out.raw[: used.value]


def _write_member(handle: int, name: str, data: bytes) -> None:
    entry = lib.archive_entry_new()
    try:
        lib.archive_entry_set_pathname_utf8(entry, name.encode())
        lib.archive_entry_set_size(entry, len(data))
        lib.archive_entry_set_filetype(entry, library.REGULAR)
        lib.archive_entry_set_perm(entry, 0o600)
        _checked(lib.archive_write_header(handle, entry))
    finally:
        lib.archive_entry_free(entry)
    if data and lib.archive_write_data(handle, data, len(data)) != len(data):
        raise OSError("the archive library wrote less than it was given")


def _checked(code: int) -> None:
    if code < library.WARN:
        raise OSError(f"the archive library refused: {code}")
