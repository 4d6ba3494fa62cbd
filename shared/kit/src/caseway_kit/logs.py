"""One JSON object a line on standard output, whoever logs.

JSON escapes every character that could start a second line or drive a terminal. What could hold a secret
is dropped by its key or its shape, and no field is longer than a reader can use.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TextIO

import structlog
from pydantic import ValidationError
from structlog.typing import EventDict, WrappedLogger

LONGEST_FIELD = 2000
LONGEST_CAUSE = 300
MOST_ITEMS = 50
DEEPEST = 4
REDACTED = "[redacted]"

_SECRET_KEY = re.compile(r"passw|secret|token|authorization|cookie|api_?key|private_?key|activation_?code", re.I)
_SECRET_SHAPES = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[\w-]*\.[\w-]*\.[\w-]*"), REDACTED),
    (re.compile(r"://[^\s/@]*@"), f"://{REDACTED}@"),
    (re.compile(r"(?i)\b(passw(?:or)?d|token|secret)(\"?\s*[=:]\s*)[^\s,;&]+"), rf"\1\2{REDACTED}"),
)
# Libraries that say at INFO what only their authors want to read.
_QUIET = ("aiokafka", "asyncio", "httpx", "httpcore", "pymongo", "faststream")


def configure(service: str, *, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send everything that this process logs, by structlog or the standard library, to ``stream`` (stdout)."""

    def name_service(_: WrappedLogger, __: str, fields: EventDict) -> EventDict:
        return {"service": service, **fields}

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        name_service,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.EventRenamer("message"),
            _explain_exception,
            _clean,
            structlog.processors.JSONRenderer(serializer=_serialize),
        ],
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in list(logging.root.manager.loggerDict):
        existing = logging.getLogger(name)
        existing.handlers.clear()
        existing.propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(True)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound


def bind(*, case: str | None = None, event: object = None, **fields: object) -> AbstractContextManager[None]:
    """Every line logged inside the ``with`` names the case and the event (as ``event_id``)."""
    bound = {"case": case, "event_id": None if event is None else str(event), **fields}
    return structlog.contextvars.bound_contextvars(**{key: value for key, value in bound.items() if value is not None})


def _serialize(fields: object, **_: object) -> str:
    return json.dumps(fields, ensure_ascii=True, default=str)


def _explain_exception(_: WrappedLogger, __: str, fields: EventDict) -> EventDict:
    given = fields.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        fields["exception"] = _causes(error)
    fields.pop("stack_info", None)
    return fields


def _causes(error: BaseException) -> list[dict[str, object]]:
    causes: list[dict[str, object]] = []
    following: BaseException | None = error
    while following is not None and len(causes) < DEEPEST:
        frames = traceback.extract_tb(following.__traceback__)[-12:]
        causes.append(
            {
                "type": f"{type(following).__module__}.{type(following).__qualname__}",
                "says": _says(following),
                "frames": [f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno}" for frame in frames],
            }
        )
        following = _cause(following)
    return causes


def _cause(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):  # which says no more than that there are some
        return error.exceptions[0]
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _says(error: BaseException) -> str:
    if isinstance(error, ValidationError):  # its own text repeats the input: a customer's words
        return f"{error.error_count()} errors in {error.title}"
    return str(error)[:LONGEST_CAUSE]


def _clean(_: WrappedLogger, __: str, fields: EventDict) -> EventDict:
    return {str(key)[:100]: _cleaned(str(key), value, 0) for key, value in fields.items()}


def _cleaned(key: str, value: object, depth: int) -> object:
    if _SECRET_KEY.search(key):
        return REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth < DEEPEST:
        items = list(value.items())[:MOST_ITEMS]
        return {str(name)[:100]: _cleaned(str(name), item, depth + 1) for name, item in items}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes) and depth < DEEPEST:
        return [_cleaned("", item, depth + 1) for item in list(value)[:MOST_ITEMS]]
    text = f"{len(value)} bytes" if isinstance(value, bytes | bytearray) else str(value)
    # Cut before the patterns run, so that a megabyte costs nothing, and again as they may add to it.
    text, cut = text[:LONGEST_FIELD], max(0, len(text) - LONGEST_FIELD)
    for shape, replacement in _SECRET_SHAPES:
        text = shape.sub(replacement, text)
    return text[:LONGEST_FIELD] + (f" [{cut} characters more]" if cut else "")
