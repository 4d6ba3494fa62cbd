"""The few functions of libarchive that are used, with their return codes as they are.

The wheel ``archive-r-python`` carries a libarchive built with a crypto library, which a minimal machine lacks;
``LIBARCHIVE`` names another one. The common Python wrapper is not used: it turns warnings into log lines that
hold member names, and loads whatever library the system has when it is imported.
"""

import ctypes
import ctypes.util
import importlib.util
import os
from collections.abc import Sequence
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_ssize_t, c_void_p
from pathlib import Path
from typing import Any

OK = 0
EOF = 1
RETRY = -10
WARN = -20
FAILED = -25
FATAL = -30
ENCRYPTION_UNSUPPORTED = -2

DIRECTORY = 0o040000
REGULAR = 0o100000
LINK = 0o120000

_TEXT = c_char_p
_HANDLE = c_void_p
# What an archive is handed to while it is written: (handle, data, buffer, length), gives how much it took.
TAKER = ctypes.CFUNCTYPE(c_ssize_t, c_void_p, c_void_p, c_void_p, c_size_t)

_SIGNATURES: dict[str, tuple[Sequence[Any], Any]] = {
    "archive_version_string": ((), _TEXT),
    "archive_error_string": ((_HANDLE,), _TEXT),
    "archive_format": ((_HANDLE,), c_int),
    "archive_read_new": ((), _HANDLE),
    "archive_read_free": ((_HANDLE,), c_int),
    "archive_read_append_filter": ((_HANDLE, c_int), c_int),
    "archive_read_add_passphrase": ((_HANDLE, _TEXT), c_int),
    "archive_read_open_memory": ((_HANDLE, c_void_p, c_size_t), c_int),
    "archive_read_open_fd": ((_HANDLE, c_int, c_size_t), c_int),
    "archive_read_next_header": ((_HANDLE, POINTER(c_void_p)), c_int),
    "archive_read_data_block": ((_HANDLE, POINTER(c_void_p), POINTER(c_size_t), POINTER(c_int64)), c_int),
    "archive_read_has_encrypted_entries": ((_HANDLE,), c_int),
    "archive_entry_pathname": ((_HANDLE,), _TEXT),
    "archive_entry_pathname_utf8": ((_HANDLE,), _TEXT),
    "archive_entry_size": ((_HANDLE,), c_int64),
    "archive_entry_size_is_set": ((_HANDLE,), c_int),
    "archive_entry_filetype": ((_HANDLE,), c_int),
    "archive_entry_hardlink": ((_HANDLE,), _TEXT),
    "archive_entry_is_encrypted": ((_HANDLE,), c_int),
    "archive_entry_new": ((), _HANDLE),
    "archive_entry_free": ((_HANDLE,), None),
    "archive_entry_set_pathname_utf8": ((_HANDLE, _TEXT), None),
    "archive_entry_set_size": ((_HANDLE, c_int64), None),
    "archive_entry_set_filetype": ((_HANDLE, c_int), None),
    "archive_entry_set_perm": ((_HANDLE, c_int), None),
    "archive_write_new": ((), _HANDLE),
    "archive_write_free": ((_HANDLE,), c_int),
    "archive_write_close": ((_HANDLE,), c_int),
    "archive_write_set_format_zip": ((_HANDLE,), c_int),
    "archive_write_set_options": ((_HANDLE, _TEXT), c_int),
    "archive_write_set_passphrase": ((_HANDLE, _TEXT), c_int),
    "archive_write_set_bytes_in_last_block": ((_HANDLE, c_int), c_int),
    "archive_write_open": ((_HANDLE, c_void_p, c_void_p, TAKER, c_void_p), c_int),
    "archive_write_open_memory": ((_HANDLE, c_void_p, c_size_t, POINTER(c_size_t)), c_int),
    "archive_write_header": ((_HANDLE, _HANDLE), c_int),
    "archive_write_data": ((_HANDLE, c_void_p, c_size_t), c_ssize_t),
}

# Named one by one: "all" would let libarchive start external programs for filters that it was built without.
FILTERS = ("gzip", "bzip2", "compress", "lzma", "xz", "lzip", "zstd", "lz4", "rpm")
ZIP_DIRECTORY = ("zip_seekable",)
ZIP_LOCAL_HEADERS = ("zip_streamable",)
FORMATS = ("7zip", "rar", "rar5", "tar", "cab", "iso9660", "ar", "cpio", "lha", "xar")
RAW = ("raw",)


def _path() -> str:
    if named := os.environ.get("LIBARCHIVE"):
        return named
    if (spec := importlib.util.find_spec("archive_r")) is not None and spec.origin is not None:
        for found in sorted((Path(spec.origin).parent / "archive_r_python.libs").glob("libarchive-*")):
            return str(found)
    if system := ctypes.util.find_library("archive"):
        return system
    raise ImportError("No libarchive: install archive-r-python or name one in LIBARCHIVE.")


def _load() -> Any:
    library = ctypes.CDLL(_path())
    for name, (arguments, result) in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes = list(arguments)
        function.restype = result
    for name in (*ZIP_DIRECTORY, *ZIP_LOCAL_HEADERS, *FORMATS, *RAW):
        _declare(getattr(library, f"archive_read_support_format_{name}"))
    for name in FILTERS:
        _declare(getattr(library, f"archive_read_support_filter_{name}"))
    return library


def _declare(support: Any) -> None:
    support.argtypes = [_HANDLE]
    support.restype = c_int


lib = _load()


def version() -> str:
    return str(lib.archive_version_string().decode()).removeprefix("libarchive ")
