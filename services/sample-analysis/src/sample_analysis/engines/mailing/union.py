"""What other programs take out of a mail beside what the standard library does: all that any finds is analysed."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from sample_analysis.engines.mailing import decoding, parameters, sections

EXTRAS = 200
EXTRA_BYTES = 96 * 1024 * 1024
# Possessive: a line is taken whole or not at all, so that no line is looked at twice.
_RUN = re.compile(
    rb"(?:^|(?<=[\r\n]))[ \t>]{0,8}[A-Za-z0-9+/]{40,}+={0,2}"
    rb"(?:[ \t]{0,4}[\r\n]{1,4}[ \t>]{0,8}[A-Za-z0-9+/]++={0,2}(?=[ \t\r\n]|$))*+"
)
_BASE64_BODY = re.compile(rb"^(?:[A-Za-z0-9+/]{4})+={0,2}(?:[\r\n]+|$)")


@dataclass(frozen=True)
class Extra:
    """Bytes that a reading other than the first gave, with how it came to them."""

    reading: str
    content_type: str
    name: str
    payload: bytes
    attached: bool = True


class Seen:
    """What has been taken out of the mails of one piece; a line end more or less makes no other file."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()

    def add(self, payload: bytes) -> bool:
        """Whether it is new."""
        digest = hashlib.sha256(payload.strip()).digest()
        if digest in self._digests:
            return False
        self._digests.add(digest)
        return True


def extras(data: bytes, seen: Seen) -> Iterator[Extra]:
    """Each thing once; those come first that a part of the mail declares."""
    count = size = 0
    for version in sections.versions(data):
        for extra in chain(_declared(version), _loose(version)):
            if not extra.payload.strip() or not seen.add(extra.payload):
                continue
            count, size = count + 1, size + len(extra.payload)
            if count > EXTRAS or size > EXTRA_BYTES:
                return
            yield extra


def _declared(data: bytes) -> Iterator[Extra]:
    for section in sections.split(data):
        kinds = [value.split(";")[0].strip().lower() for value in section.fields.get("content-type", [])]
        if len(kinds) == 1 and kinds[0].startswith("multipart/"):
            continue
        kind = next(iter(kinds), "text/plain")
        names = parameters.names(section.fields)
        placed = " ".join(section.fields.get("content-disposition", [])).lower()
        attached = bool(names) or "attachment" in placed or kind not in ("text/plain", "text/html")
        for reading, payload in _decoded(section):
            # A mail that is not encoded has its sections beside it; one without a field is a text around the parts.
            if reading != "plain" or (section.fields and not kind.startswith("message/")):
                yield Extra(reading, kind, next(iter(names), ""), payload, attached or reading == "base64-run")


def _decoded(section: sections.Section) -> Iterator[tuple[str, bytes]]:
    body = section.body
    stated = [value.strip().strip("\"'").lower() for value in section.fields.get("content-transfer-encoding", [])]
    said = " ".join(stated)
    if "base64" in said:
        yield from (("base64", payload) for payload in decoding.base64_ways(body))
    elif _BASE64_BODY.match(body[:1024].lstrip()):
        yield from (("base64-run", payload) for payload in decoding.base64_ways(body))
    if "quoted" in said:
        yield "quoted-printable", decoding.quoted_printable(body)
    if not said or any(each not in ("base64", "quoted-printable") for each in stated) or len(set(stated)) > 1:
        yield "plain", body


def _loose(data: bytes) -> Iterator[Extra]:
    """What is packed somewhere in the mail, whatever the part around it says of itself."""
    for name, payload in decoding.uuencoded(data):
        yield Extra("uuencode", "", name, payload)
    for name, payload in decoding.yenc(data):
        yield Extra("yenc", "", name, payload)
    for match in _RUN.finditer(data):
        for payload in decoding.base64_ways(match.group()):
            yield Extra("base64-run", "", "", payload)
