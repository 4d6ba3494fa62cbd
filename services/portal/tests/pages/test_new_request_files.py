"""Files that are handed in with the request's form, or by scripts before it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from page_fakes import Tab
from portal_fakes import Make
from request_fakes import FakeIntake
from request_forms import FORM, NEW, value_of

from portal.pages.streamed import Streaming

pytestmark = pytest.mark.usefixtures("our_profile")


async def post_files(tab: Tab, files: list[tuple[str, bytes]], **form: str) -> httpx.Response:
    # The token goes first, as in the page.
    data = {"csrf_token": tab.csrf, **FORM, **form}
    return await tab.http.post(NEW, data=data, files=[("files", (name, body)) for name, body in files])


async def test_files_of_the_form_itself_are_passed_on_and_listed_with_their_password(
    tab: Tab, intake: FakeIntake
) -> None:
    files = [("näme.zip", b"PK" * 1000), ("empty.txt", b""), ("", b"")]
    answer = await post_files(tab, files, new_password="in fected", action="update")
    assert [(name, len(data)) for _, name, data, _ in intake.uploads.values()] == [("näme.zip", 2000), ("empty.txt", 0)]
    assert value_of(answer, "attachments/0/name") == "näme.zip"
    assert value_of(answer, "attachments/1/password") == "in fected"
    assert value_of(answer, "attachments/1/size") == "0"


async def test_files_and_submit_in_one_go(tab: Tab, intake: FakeIntake) -> None:
    answer = await post_files(tab, [("a.zip", b"PK")], new_password="infected", action="submit")
    assert answer.status_code == 303
    [body] = intake.cases.values()
    assert body["attachments"] == [{"upload_id": "upload-1", "password": "infected"}]


async def test_a_file_that_is_too_large_is_named_and_nothing_is_handed_in(
    api: FastAPI, tab: Tab, intake: FakeIntake
) -> None:
    api.state.streaming = Streaming(intake, largest=10)
    answer = await post_files(tab, [("big.zip", b"x" * 100_000), ("small.zip", b"x")], action="submit")
    assert answer.status_code == 200
    assert "“big.zip”: This file is larger" in answer.text
    assert value_of(answer, "attachments/0/name") == "small.zip"
    assert value_of(answer, "description") == "Line one\nLine two"
    assert intake.cases == {}


async def test_an_attachment_is_taken_out(tab: Tab, intake: FakeIntake) -> None:
    await post_files(tab, [("a.zip", b"a"), ("b.zip", b"b")], action="update")
    rows = {f"attachments/{n}/upload_id": f"upload-{n + 1}" for n in (0, 1)}
    names = {"attachments/0/name": "a.zip", "attachments/1/name": "b.zip"}
    answer = await tab.post(NEW, {**FORM, **rows, **names, "action": "remove:0"})
    assert value_of(answer, "attachments/0/name") == "b.zip"
    assert "a.zip" not in answer.text
    assert list(intake.uploads) == ["upload-2"]


async def test_no_byte_of_a_forged_form_is_passed_on(tab: Tab, intake: FakeIntake) -> None:
    for forged in ({"csrf_token": "guess"}, {}):
        answer = await tab.http.post(NEW, data={**FORM, **forged}, files=[("files", ("a.zip", b"PK"))])
        assert answer.status_code == 403
    assert intake.uploads == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (
            b"".join(b'--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n\r\n' for _ in range(10_000))
            + b"--b--\r\n",
            413,
        ),
        (b'--b\r\nContent-Disposition: form-data; name="subject"\r\n\r\n' + b"x" * 2_000_000 + b"\r\n--b--\r\n", 413),
        (b'--b\r\nContent-Disposition: form-data; name="subject"\r\n\r\nno end', 400),
        (b"", 400),
        (b"\x00\xff" * 1000, 400),
    ],
    ids=["10,000 parts", "a huge text", "no end", "nothing", "noise"],
)
async def test_hostile_forms_are_refused(tab: Tab, intake: FakeIntake, body: bytes, status: int) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await tab.http.post(NEW, content=body, headers=headers)
    assert answer.status_code == status
    assert "text/html" in answer.headers["content-type"]
    assert (intake.cases, intake.uploads) == ({}, {})


async def test_a_form_without_its_draft_is_refused(tab: Tab) -> None:
    for draft in ("", "short", "../../../../etc/passwd"):
        assert (await tab.post(NEW, {**FORM, "draft": draft, "action": "submit"})).status_code == 400


async def test_an_upload_goes_on_where_it_broke_off(tab: Tab, tabs: Make, intake: FakeIntake) -> None:
    opened = await tab.ask("POST", "/uploads", headers={"Upload-Length": "6", "Upload-Name": "n%C3%A4me.zip"})
    assert (opened.status_code, intake.uploads["upload-1"][1]) == (201, "näme.zip")
    path = f"/uploads/{opened.json()['upload_id']}"
    assert (await tab.ask("PATCH", path, headers={"Upload-Offset": "0"}, content=b"abc")).json() == {"offset": 3}
    assert (await tab.ask("PATCH", path, headers={"Upload-Offset": "0"}, content=b"abc")).status_code == 409
    there = await tab.ask("HEAD", path)
    assert (there.headers["Upload-Offset"], there.headers["Upload-Length"]) == ("3", "6")
    assert (await tab.ask("PATCH", path, headers={"Upload-Offset": "3"}, content=b"def")).json() == {"offset": 6}
    other: Tab = await tabs("customer@a2")
    for method, headers in (("HEAD", {}), ("PATCH", {"Upload-Offset": "0"}), ("DELETE", {})):
        assert (await other.ask(method, path, headers=headers)).status_code == 404
    assert bytes(intake.uploads["upload-1"][2]) == b"abcdef"
    assert (await tab.ask("DELETE", path)).status_code == 204
    assert (await tab.ask("HEAD", path)).status_code == 404


async def test_a_form_that_breaks_off_leaves_no_upload_running(tab: Tab, intake: FakeIntake) -> None:
    async def body() -> AsyncIterator[bytes]:
        for name, value in {"csrf_token": tab.csrf, **FORM}.items():
            yield f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.zip"\r\n\r\nPK'

    answer = await tab.http.post(NEW, content=body(), headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 400
    assert intake.uploads == {}
