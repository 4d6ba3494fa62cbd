"""The child's loop: one job after the other, each an answer in plain data."""

import contextlib
import errno
import importlib
import inspect
import os
import socket
import tempfile
from collections.abc import Callable
from functools import cache
from typing import Any

from caseway_kit.sandbox.budget import MIB, Budget
from caseway_kit.sandbox.lockdown import STATM, limit_job, unlimit_memory, used_memory
from caseway_kit.sandbox.sample import Sample
from caseway_kit.sandbox.wire import LENGTH_BYTES, length_prefix, pack, read_length, receive_exactly, unpack

MESSAGE_CHARACTERS = 500
NO_SPACE = "no space is left to write to"  # the parent looks whether that is so
_SPENT_AT, _LEFT_OPEN = 128 * MIB, 16  # what a child may keep from earlier jobs before it is replaced

_LIMIT_OF_ERROR = {
    errno.EFBIG: ("written_bytes", "a file grew over the limit"),
    errno.ENOSPC: ("written_bytes", NO_SPACE),
    errno.EDQUOT: ("written_bytes", NO_SPACE),
    errno.EMFILE: ("files", "too many files were open at once"),
    errno.ENOMEM: ("memory_bytes", "the parser asked for more memory than it may have"),
}


def serve(connection: socket.socket, workplace: str) -> None:
    """Works until the parent closes the connection."""
    tempfile.tempdir = os.environ["TMPDIR"] = os.environ["HOME"] = workplace
    _, idle = used_memory()
    while True:
        try:
            request, files = _receive(connection)
        except (EOFError, ConnectionError):
            return
        answer = _answer(request, files)
        trailer = {"job": request["job"], "spent": _spent(idle)}
        send(connection, answer[:-1] + b"," + pack(trailer)[1:])


def send(connection: socket.socket, data: bytes) -> None:
    connection.sendall(length_prefix(data))
    connection.sendall(data)


def _spent(idle: int) -> bool:
    """Whether earlier jobs have left so much behind that a new child is better."""
    _, data = used_memory()
    try:
        lowest_free = os.dup(0)
    except OSError:
        return True
    os.close(lowest_free)
    return data > idle + _SPENT_AT or lowest_free > STATM + _LEFT_OPEN


def _receive(connection: socket.socket) -> tuple[dict[str, Any], dict[str, int]]:
    prefix, fds, _, _ = socket.recv_fds(connection, LENGTH_BYTES, 2)
    if not prefix:
        raise EOFError
    prefix += receive_exactly(connection, LENGTH_BYTES - len(prefix))
    request = unpack(receive_exactly(connection, read_length(prefix)))
    return request, dict(zip(request["files"], fds, strict=True))


def _answer(request: dict[str, Any], files: dict[str, int]) -> bytes:
    budget = Budget(**request["budget"])
    sample = Sample(files["sample"]) if "sample" in files else None
    named: dict[str, Any] = {}
    try:
        function, wants_budget = _find(request["function"])
        limit_job(budget, sample_size=sample.size if sample else 0)
        arguments = [*([sample] if sample else []), *request["args"]]
        if wants_budget:
            named["budget"] = budget
        if "output" in files:
            named["output"] = os.fdopen(files["output"], "wb", closefd=False)
        result = function(*arguments, **named)
        if "output" in files:
            named["output"].flush()
        answer = pack({"ok": result})
        if len(answer) > budget.result_bytes:
            answer = _limit("result_bytes", "the result is larger than allowed")
    except BaseException as error:
        unlimit_memory()
        answer = _failure(error)
    finally:
        unlimit_memory()
        if "output" in named:
            # What it could not write must not go into the next job's file, which may get the same number.
            with contextlib.suppress(Exception):
                named["output"].detach()
        for file in files.values():
            os.close(file)
    return answer


@cache
def _find(name: str) -> tuple[Callable[..., Any], bool]:
    module, _, attribute = name.partition(":")
    function = getattr(importlib.import_module(module), attribute)
    return function, "budget" in inspect.signature(function).parameters


def _failure(error: BaseException) -> bytes:
    if isinstance(error, MemoryError):
        return _limit(*_LIMIT_OF_ERROR[errno.ENOMEM])
    if isinstance(error, OSError) and error.errno in _LIMIT_OF_ERROR:
        return _limit(*_LIMIT_OF_ERROR[error.errno])
    try:
        # An OSError's own text names the file.
        message = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    except Exception:
        message = ""
    return pack({"error": {"type": type(error).__name__[:100], "message": message[:MESSAGE_CHARACTERS]}})


def _limit(limit: str, says: str) -> bytes:
    return pack({"limit": {"limit": limit, "says": says}})
