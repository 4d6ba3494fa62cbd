import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from intake_fakes import InMemoryCaseRepository, InMemoryUploadRepository, Make
from starlette.requests import ClientDisconnect

from caseway_kit.objects import Objects
from caseway_kit.testing.clock import FixedClock
from intake.names import upload_name
from intake.passing import PART_BYTES
from intake.refusals import NotFound
from intake.sweeper import Sweeper
from intake.uploads import Quota, Uploads

UPLOADS = "/api/v1/uploads"
LARGEST = 4 * 1024 * 1024


async def stored(objects: Objects, upload_id: str) -> bytes:
    return b"".join([chunk async for chunk in objects.stream(f"accounts/acme/uploads/{upload_id}")])


async def pieces(*chunks: bytes, broken: bool = False) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if broken:
        raise ClientDisconnect


async def test_an_upload_is_hashed_and_counted_as_it_passes(http: httpx.AsyncClient, objects: Objects) -> None:
    data = b"x" * 3_000_000
    answer = await http.post(UPLOADS, content=pieces(data[:7], data[7:]))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["size"], body["offset"]) == (len(data), len(data))
    assert body["sha256"] == hashlib.sha256(data).hexdigest()
    assert body["type"] == "text/plain"
    assert await stored(objects, body["upload_id"]) == data


async def test_an_empty_upload_is_one(http: httpx.AsyncClient) -> None:
    answer = await http.post(UPLOADS)
    assert answer.status_code == 201
    assert answer.json()["size"] == 0


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (None, "attachment"),
        ("attachment", "attachment"),
        ('attachment; filename="a b.zip"', "a b.zip"),
        ("attachment; filename=plain.txt", "plain.txt"),
        (r'attachment; filename="quo\"te.txt"', 'quo"te.txt'),
        ("attachment; filename=\"x.txt\"; filename*=UTF-8''%e2%82%ac%20rates.txt", "€ rates.txt"),
        ("attachment; filename*=UTF-8''%FF; filename=\"good.txt\"", "good.txt"),
        ('attachment; filename="grün.txt"'.encode().decode("latin-1"), "grün.txt"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\temp\\\\a.exe"', "a.exe"),
        ('attachment; filename=".."', "attachment"),
        ('attachment; filename="a\u202egpj.exe"', "agpj.exe"),
        (f'attachment; filename="{"n" * 999}"', "n" * 255),
        ("attachment; filename=" + '"' * 10_000, "attachment"),
    ],
)
def test_the_name_comes_from_the_disposition(disposition: str | None, name: str) -> None:
    assert upload_name(disposition) == name


async def test_what_is_declared_too_large_is_refused_unread(http: httpx.AsyncClient) -> None:
    answer = await http.post(UPLOADS, content=b"", headers={"Content-Length": str(LARGEST + 1)})
    assert answer.status_code == 413


async def test_what_turns_out_too_large_is_refused_and_leaves_nothing(
    http: httpx.AsyncClient, known_uploads: InMemoryUploadRepository, objects: Objects
) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 65_536
            yield b"x" * 65_536

    answer = await http.post(UPLOADS, content=endless())
    assert answer.status_code == 413
    assert read <= LARGEST + 2 * 65_536
    assert known_uploads.uploads == {}


@pytest.mark.parametrize("length", ["-1", "x", "1e9", "9" * 40])
async def test_a_content_length_that_is_no_number_is_400(http: httpx.AsyncClient, length: str) -> None:
    answer = await http.post(UPLOADS, content=b"", headers={"Content-Length": length})
    assert answer.status_code == 400


async def test_a_form_is_told_to_send_plain_bytes(http: httpx.AsyncClient) -> None:
    answer = await http.post(UPLOADS, files={"file": b"x"})
    assert answer.status_code == 415


async def test_a_sender_that_breaks_off_leaves_nothing(
    uploads: Uploads, known_uploads: InMemoryUploadRepository
) -> None:
    with pytest.raises(ClientDisconnect):
        await uploads.receive("acme", "anna", "a", pieces(b"x" * 100_000, broken=True))
    assert known_uploads.uploads == {}


async def test_a_resumable_upload_grows_by_its_parts(http: httpx.AsyncClient, objects: Objects) -> None:
    data = bytes(range(256)) * 10_000
    opened = await http.post(UPLOADS, headers={"Upload-Length": str(len(data))})
    assert (opened.status_code, opened.json()["offset"]) == (201, 0)
    url = f"{UPLOADS}/{opened.json()['upload_id']}"

    half = await http.patch(url, content=data[:1_500_000], headers={"Upload-Offset": "0"})
    assert (half.status_code, half.headers["Upload-Offset"]) == (204, "1500000")
    assert (await http.head(url)).headers["Upload-Offset"] == "1500000"

    wrong = await http.patch(url, content=data[1_000_000:], headers={"Upload-Offset": "1000000"})
    assert (wrong.status_code, wrong.headers["Upload-Offset"]) == (409, "1500000")

    last = await http.patch(url, content=data[1_500_000:], headers={"Upload-Offset": "1500000"})
    assert last.status_code == 201
    assert last.json()["sha256"] == hashlib.sha256(data).hexdigest()
    assert await stored(objects, last.json()["upload_id"]) == data

    unheard = await http.patch(url, headers={"Upload-Offset": str(len(data))})
    assert unheard.json() == last.json()


async def test_parts_are_deleted_once_they_are_joined(
    http: httpx.AsyncClient, known_uploads: InMemoryUploadRepository, objects: Objects
) -> None:
    opened = await http.post(UPLOADS, headers={"Upload-Length": "4"})
    upload_id = opened.json()["upload_id"]
    await http.patch(f"{UPLOADS}/{upload_id}", content=b"ab", headers={"Upload-Offset": "0"})
    [part] = known_uploads.uploads[upload_id].parts
    assert await objects.exists(part.key)
    await http.patch(f"{UPLOADS}/{upload_id}", content=b"cd", headers={"Upload-Offset": "2"})
    assert not await objects.exists(part.key)


async def test_a_broken_connection_keeps_what_arrived(
    uploads: Uploads, known_uploads: InMemoryUploadRepository
) -> None:
    opened = await uploads.open("acme", "anna", "a", 3 * PART_BYTES)
    with pytest.raises(ClientDisconnect):
        await uploads.append(opened, 0, pieces(b"x" * PART_BYTES, b"y" * PART_BYTES, b"z" * 10, broken=True))
    assert known_uploads.uploads[opened.upload_id].offset == 2 * PART_BYTES + 10


async def test_two_senders_of_one_part_do_not_mix(uploads: Uploads, objects: Objects) -> None:
    opened = await uploads.open("acme", "anna", "a", 10)
    first = await uploads.append(opened, 0, pieces(b"11111"))
    with pytest.raises(Exception, match="goes on at 5"):
        await uploads.append(opened, 0, pieces(b"22222"))
    await uploads.append(first, 5, pieces(b"33333"))
    assert await stored(objects, opened.upload_id) == b"1111133333"


async def test_more_than_was_announced_is_refused(http: httpx.AsyncClient) -> None:
    opened = await http.post(UPLOADS, headers={"Upload-Length": "4"})
    url = f"{UPLOADS}/{opened.json()['upload_id']}"
    assert (await http.patch(url, content=b"abcde", headers={"Upload-Offset": "0"})).status_code == 413
    assert (await http.post(UPLOADS, headers={"Upload-Length": str(LARGEST + 1)})).status_code == 413


async def test_the_upload_of_somebody_else_is_not_there(http: httpx.AsyncClient, stranger: dict[str, str]) -> None:
    opened = await http.post(UPLOADS, headers={"Upload-Length": "4"})
    url = f"{UPLOADS}/{opened.json()['upload_id']}"
    assert (await http.head(url, headers=stranger)).status_code == 404
    headers = {"Upload-Offset": "0", **stranger}
    assert (await http.patch(url, content=b"abcd", headers=headers)).status_code == 404


async def test_what_no_case_names_is_swept_a_day_and_an_hour_later(
    http: httpx.AsyncClient,
    make_upload: Make,
    make_submission: Make,
    uploads: Uploads,
    known_uploads: InMemoryUploadRepository,
    cases: InMemoryCaseRepository,
    objects: Objects,
    clock: FixedClock,
) -> None:
    claimed, unclaimed = await make_upload(), await make_upload()
    answer = await http.post("/api/v1/cases", json=make_submission(attachments=[{"upload_id": claimed}]))
    assert answer.status_code == 201
    sweeper = Sweeper(known_uploads, uploads, cases, clock)

    clock.advance(timedelta(hours=24, minutes=59).total_seconds())
    assert await sweeper.sweep() == 0
    clock.advance(timedelta(minutes=2).total_seconds())
    assert await sweeper.sweep() == 2
    assert await sweeper.sweep() == 0
    assert await stored(objects, claimed) == b"hello"
    assert not await objects.exists(f"accounts/acme/uploads/{unclaimed}")
    assert list(known_uploads.uploads) == [claimed]


async def test_an_upload_that_is_withdrawn_can_no_longer_be_named_and_is_swept(
    http: httpx.AsyncClient,
    make_upload: Make,
    make_submission: Make,
    uploads: Uploads,
    known_uploads: InMemoryUploadRepository,
    cases: InMemoryCaseRepository,
    clock: FixedClock,
) -> None:
    upload = await make_upload()
    assert (await http.delete(f"{UPLOADS}/{upload}")).status_code == 204
    refused = await http.post("/api/v1/cases", json=make_submission(attachments=[{"upload_id": upload}]))
    assert [error["code"] for error in refused.json()["errors"]] == ["upload.unknown"]

    clock.advance(3601)
    await Sweeper(known_uploads, uploads, cases, clock).sweep()
    assert known_uploads.uploads == {}


async def test_what_a_case_names_stays_when_its_upload_is_withdrawn(
    http: httpx.AsyncClient,
    make_upload: Make,
    make_submission: Make,
    uploads: Uploads,
    objects: Objects,
    known_uploads: InMemoryUploadRepository,
    cases: InMemoryCaseRepository,
    clock: FixedClock,
) -> None:
    upload = await make_upload(data=b"evidence")
    assert (await http.post("/api/v1/cases", json=make_submission(attachments=[{"upload_id": upload}]))).is_success
    await http.delete(f"{UPLOADS}/{upload}")
    clock.advance(100_000)
    await Sweeper(known_uploads, uploads, cases, clock).sweep()
    assert await stored(objects, upload) == b"evidence"


async def test_nobody_withdraws_what_others_uploaded(
    http: httpx.AsyncClient, make_upload: Make, make_submission: Make, stranger: dict[str, str]
) -> None:
    upload = await make_upload()
    assert (await http.delete(f"{UPLOADS}/{upload}", headers=stranger)).status_code == 404
    assert (await http.post("/api/v1/cases", json=make_submission(attachments=[{"upload_id": upload}]))).is_success


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, uploads: Uploads) -> None:
    monkeypatch.setattr(uploads, "_quota", Quota(uploads=2, size=LARGEST))


@pytest.mark.usefixtures("few")
async def test_an_account_has_only_so_many_uploads_that_no_case_names(
    http: httpx.AsyncClient,
    make_upload: Make,
    make_submission: Make,
    known_uploads: InMemoryUploadRepository,
    stranger: dict[str, str],
) -> None:
    opened = await asyncio.gather(*(http.post(UPLOADS, headers={"Upload-Length": "5"}) for _ in range(4)))
    assert len([answer for answer in opened if answer.is_success]) == len(known_uploads.uploads) <= 2
    known_uploads.uploads.clear()
    first, _ = await make_upload(), await make_upload()
    refused = await http.post(UPLOADS, content=b"one more")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
    [error] = refused.json()["errors"]
    assert (error["code"], error["field"]) == ("upload.quota", "/Upload-Length")
    assert error["help"]
    assert len(known_uploads.uploads) == 2
    assert (await http.post(UPLOADS, content=b"x", headers=stranger)).status_code == 201
    await http.post("/api/v1/cases", json=make_submission(attachments=[{"upload_id": first}]))
    assert (await http.post(UPLOADS, content=b"one more")).status_code == 201


@pytest.mark.usefixtures("few")
async def test_what_is_announced_counts_before_it_is_there(http: httpx.AsyncClient) -> None:
    assert (await http.post(UPLOADS, headers={"Upload-Length": str(LARGEST)})).status_code == 201
    assert (await http.post(UPLOADS, content=b"x")).status_code == 429


async def test_an_upload_that_has_expired_grows_no_more(http: httpx.AsyncClient, clock: FixedClock) -> None:
    opened = await http.post(UPLOADS, headers={"Upload-Length": "4"})
    url = f"{UPLOADS}/{opened.json()['upload_id']}"
    clock.advance(timedelta(hours=24).total_seconds())
    assert (await http.head(url)).status_code == 404
    assert (await http.patch(url, content=b"abcd", headers={"Upload-Offset": "0"})).status_code == 404


async def test_bytes_that_come_to_a_swept_upload_are_left_nowhere(
    uploads: Uploads, known_uploads: InMemoryUploadRepository, objects: Objects
) -> None:
    opened = await uploads.open("acme", "anna", "a.txt", 4)

    async def swept_meanwhile() -> AsyncIterator[bytes]:
        [swept] = known_uploads.uploads.values()
        writers.extend(swept.writers)
        await uploads.discard(swept)
        yield b"abcd"

    writers: list[str] = []
    with pytest.raises(NotFound):
        await uploads.append(opened, 0, swept_meanwhile())
    assert not await objects.exists(opened.part_key(writers[0], 0))
