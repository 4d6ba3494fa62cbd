"""One OpenAPI document of all services: what is under ``/api/v1`` in the documents that each serves for itself."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import structlog

Document: TypeAlias = dict[str, Any]
Fetch: TypeAlias = Callable[[str], Awaitable[Document]]

OUTSIDE = "/api/v1/"
KEPT_SECONDS = 60.0
KEPT_SECONDS_WITH_GAPS = 5.0
_REF = "#/components/schemas/"

_log = structlog.stdlib.get_logger("portal.openapi")


def merged(documents: Mapping[str, Document], missing: list[str], *, title: str, version: str) -> Document:
    """A schema that two services name alike but shape differently gets the service's name in front."""
    paths: Document = {}
    schemas: Document = {}
    for service, document in documents.items():
        own = document.get("components", {}).get("schemas", {})
        renamed = {name: f"{service}_{name}" for name, schema in own.items() if schemas.get(name, schema) != schema}
        schemas |= {renamed.get(name, name): _pointing(schema, renamed) for name, schema in own.items()}
        for path, operations in document.get("paths", {}).items():
            if path.startswith(OUTSIDE):
                paths[path] = {**paths.get(path, {}), **_operations(_pointing(operations, renamed), service)}
    says = "Everything that Caseway's pages and command line can do."
    if missing:
        says += f" Not listed here, as they did not answer: {', '.join(sorted(missing))}."
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": says},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "security": [{"bearer": []}],
    }


def _operations(operations: Document, service: str) -> Document:
    return {
        method: {**operation, "tags": operation.get("tags") or [service]} if isinstance(operation, dict) else operation
        for method, operation in operations.items()
    }


def _pointing(value: Any, renamed: Mapping[str, str]) -> Any:
    """The same with its references to schemas that have another name."""
    if isinstance(value, list):
        return [_pointing(one, renamed) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {key: _pointing(one, renamed) for key, one in value.items()}
    ref = changed.get("$ref")
    if isinstance(ref, str) and ref.startswith(_REF):
        name = ref.removeprefix(_REF)
        changed["$ref"] = _REF + renamed.get(name, name)
    return changed


class MergedOpenApi:
    """The merged document, made anew when it is older than a minute (or lacks a service)."""

    def __init__(
        self,
        services: Mapping[str, str],
        fetch: Fetch,
        own: Callable[[], Document],
        *,
        title: str,
        version: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self._fetch = fetch
        self._own = own
        self._title = title
        self._version = version
        self._monotonic = monotonic
        self._making = asyncio.Lock()
        self._body = b""
        self._good_until = float("-inf")

    async def body(self) -> bytes:
        async with self._making:
            if self._monotonic() >= self._good_until:
                await self._make()
            return self._body

    async def _make(self) -> None:
        answers = await asyncio.gather(*map(self._document, self._services.values()))
        found = dict(zip(self._services, answers, strict=True))
        missing = [name for name, document in found.items() if document is None]
        documents = {"portal": self._own(), **{name: one for name, one in found.items() if one is not None}}
        self._body = json.dumps(merged(documents, missing, title=self._title, version=self._version)).encode()
        self._good_until = self._monotonic() + (KEPT_SECONDS_WITH_GAPS if missing else KEPT_SECONDS)

    async def _document(self, address: str) -> Document | None:
        try:
            return await self._fetch(f"{address.rstrip('/')}/openapi.json")
        # Whatever a service answers instead of its document, the others are shown.
        except Exception as error:
            _log.warning("a service did not give its OpenAPI document", service=address, error=type(error).__name__)
            return None
