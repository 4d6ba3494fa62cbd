"""A form whose files are passed on to intake while they arrive."""

import hmac
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request

from caseway_contracts.clients import Refused, ServiceAway
from caseway_kit.auth import Role
from caseway_kit.problems import Problem
from portal.pages.forms import CSRF, Form, read_form
from portal.pages.visitors import CUSTOMERS, Doorkeeper, PageRule, SeeOther, Visitor
from portal.requests.multipart import MOST_FILES, BadForm, FormTooLarge, Sent, read_multipart

_FORM = "caseway.form"  # where read_form keeps what it has read
_UPLOADED = "caseway.uploaded"


@dataclass(frozen=True)
class Uploaded:
    """A file that came with the form; without an id it was not taken, for the reason that ``says`` is the text of."""

    name: str
    size: int
    upload_id: str = ""
    says: str = ""


class Uploader(Protocol):
    async def upload(self, token: str, name: str, chunks: AsyncIterator[bytes]) -> dict[str, object]: ...


@dataclass(frozen=True)
class Streaming:
    """Where files go, in ``app.state.streaming``, and how large one may be."""

    uploader: Uploader
    largest: int


class StreamedForm(PageRule):
    """The rule of a page whose form brings files: no byte of one is passed on before the form's token was seen.

    Of files beyond ``most`` nothing is passed on; their ``says`` is ``too_many``.
    """

    def __init__(self, roles: Collection[Role], *, most: int = MOST_FILES) -> None:
        super().__init__(roles)
        self._most = most

    async def __call__(self, request: Request) -> Visitor:
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            await self._read(request)
        return await super().__call__(request)

    async def _read(self, request: Request) -> None:
        door: Doorkeeper = request.app.state.door
        streaming: Streaming = request.app.state.streaming
        visitor = await door.visitor(request)
        if visitor is None:
            raise SeeOther("/sign-in")
        if visitor.caller.role not in self.roles:
            raise Problem.forbidden()
        sent: Sent[Uploaded] = Sent()

        async def take(_field: str, name: str, chunks: AsyncIterator[bytes]) -> Uploaded:
            given = next((value for key, value in sent.texts if key == CSRF), "")
            if not hmac.compare_digest(given.encode("utf-8", "replace"), visitor.csrf.encode()):
                raise Problem.forbidden("This form was not sent from its own page, or has grown old.")
            if len(sent.files) >= self._most:
                async for _ in chunks:
                    pass
                return Uploaded(name, 0, says="too_many")
            return await _pass_on(streaming, visitor.token, name, chunks)

        try:
            await read_multipart(request.stream(), request.headers["content-type"], take, sent)
        except BadForm as bad:
            raise Problem.bad_request(str(bad)) from None
        except FormTooLarge:
            raise Problem.too_large("The form holds more than is taken.") from None
        values: dict[str, list[str]] = {}
        for name, value in sent.texts:
            values.setdefault(name, []).append(value.replace("\r\n", "\n"))
        request.scope[_FORM] = Form(values)
        request.scope[_UPLOADED] = [file for _, file in sent.files]


def uploaded(request: Request) -> list[Uploaded]:
    """The files that came with the form, in their order."""
    found: list[Uploaded] = request.scope.get(_UPLOADED, [])
    return found


StreamedCustomer = Annotated[Visitor, Depends(StreamedForm(CUSTOMERS))]
Streamed = Annotated[Form, Depends(read_form)]


async def _pass_on(streaming: Streaming, token: str, name: str, chunks: AsyncIterator[bytes]) -> Uploaded:
    passing = _Counted(chunks, streaming.largest)
    says, upload_id = "", ""
    try:
        answer = await streaming.uploader.upload(token, name, passing.chunks())
        upload_id = str(answer["upload_id"])
    except _TooLarge:
        says = "too_large"
    except Refused as refused:
        says = {413: "too_large", 429: "over_quota"}.get(refused.status, "not_taken")
    except ServiceAway:
        says = "too_large" if passing.too_large else "not_now"
    # What else was typed comes after the file.
    async for _ in chunks:
        pass
    return Uploaded(name.replace("\\", "/").rpartition("/")[2], passing.size, upload_id, says)


class _TooLarge(Exception):
    pass


class _Counted:
    def __init__(self, chunks: AsyncIterator[bytes], largest: int) -> None:
        self._chunks = chunks
        self._largest = largest
        self.size = 0
        self.too_large = False

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.size += len(chunk)
            if self.size > self._largest:
                self.too_large = True
                raise _TooLarge
            yield chunk
