"""Whether two requests with one idempotency key ask for the same: attachments count by their bytes and password."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from intake.upload import Upload


def upload_ids(body: Mapping[str, Any]) -> list[str]:
    """The uploads that a body names, in its order, whatever else is wrong with it."""
    attachments = body.get("attachments")
    items = attachments if isinstance(attachments, list) else []
    ids = [item.get("upload_id") if isinstance(item, Mapping) else None for item in items]
    return [one for one in ids if isinstance(one, str) and 0 < len(one) <= 64][:100]


def fingerprint(what: str, body: Mapping[str, Any], uploads: Mapping[str, Upload]) -> str:
    said = {name: value for name, value in body.items() if value not in (None, [], {})}
    attachments = said.get("attachments")
    if isinstance(attachments, list):
        said["attachments"] = [_by_bytes(item, uploads) for item in attachments]
    text = json.dumps([what, said], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _by_bytes(item: object, uploads: Mapping[str, Upload]) -> object:
    if not isinstance(item, Mapping):
        return item
    upload_id = item.get("upload_id")
    upload = uploads.get(upload_id) if isinstance(upload_id, str) else None
    return [item if upload is None else upload.sha256, item.get("password")]
