"""Members of archives, found again by the ids that the analysis gave them."""

import asyncio
import base64
import hashlib
import tempfile
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import httpx
import pytest
from intake_fakes import FakeMembers, InMemoryCaseRepository, InMemoryUploadRepository, Make

from caseway_kit.archives import Budget, Content, open_archive, protected_zip
from intake import taking, turns
from intake.taking import take

PIECE = "1b1f6a3e-5a0c-4a37-9b42-2f0b6a1f7f10"
CASES = "/api/v1/cases"
FIRST, SECOND, NOWHERE = (f"{number}" * 8 + PIECE[8:] for number in (1, 2, 9))


def id_of(archive: bytes, *places: str) -> str:
    """As sample-analysis makes it: from the bytes, through where each thing stands in the one above it."""
    engine_id = uuid5(NAMESPACE_OID, hashlib.sha256(archive).hexdigest())
    for place in places:
        engine_id = uuid5(engine_id, place)
    return str(uuid5(UUID(PIECE), str(engine_id)))


def taken(archive: bytes, *wanted: str, passwords: tuple[str, ...] = ("secret",)) -> Any:
    sha256 = hashlib.sha256(archive).hexdigest()
    with tempfile.NamedTemporaryFile() as file:
        file.write(archive)
        file.flush()
        return take(file.name, "a.zip", sha256, PIECE, list(wanted), list(passwords))


def unpacked(answer: Any) -> dict[str, bytes]:
    with (
        Content.of_bytes(base64.b64decode(answer["zip"])) as content,
        open_archive(content, budget=Budget(), passwords=["infected"]) as archive,
    ):
        assert archive.encrypted
        return {member.path: b"".join(member.chunks()) for member in archive.members()}


def test_the_chosen_members_come_out_in_a_protected_zip_and_no_others() -> None:
    archive = protected_zip({"one.txt": b"1", "two.txt": b"2", "three.txt": b"3"}, "secret")
    one, three = id_of(archive, "0/one.txt"), id_of(archive, "2/three.txt")
    answer = taken(archive, one, three, "nowhere")
    assert set(answer["found"]) == {one, three}
    assert unpacked(answer) == {"one.txt": b"1", "three.txt": b"3"}


def test_a_member_of_an_archive_inside_is_found() -> None:
    inner = protected_zip({"deep.txt": b"deep"}, None)
    archive = protected_zip({"readme.txt": b"-", "inner.zip": inner}, "secret")
    wanted = id_of(archive, "1/inner.zip", "0/deep.txt")
    assert unpacked(taken(archive, wanted)) == {"deep.txt": b"deep"}
    whole = id_of(archive, "1/inner.zip")
    assert unpacked(taken(archive, whole, wanted)) == {"inner.zip": inner}


def test_names_lead_out_of_no_folder_and_never_collide() -> None:
    archive = protected_zip(
        {"../../evil.txt": b"1", "a/evil.txt": b"2", "A/evil.txt": b"3", "c:\\x\x01.txt": b"4"}, None
    )
    with Content.of_bytes(archive) as content, open_archive(content, budget=Budget()) as opened:
        names = [member.path for member in opened.members()]
    found = unpacked(taken(archive, *(id_of(archive, f"{index}/{name}") for index, name in enumerate(names))))
    assert set(found.values()) == {b"1", b"2", b"3", b"4"}
    assert all(".." not in name and not name.startswith("/") and ":" not in name for name in found)


@pytest.mark.parametrize("archive", [b"", b"just text", b"PK\x03\x04 broken"])
def test_what_is_no_archive_has_no_members(archive: bytes) -> None:
    assert taken(archive, "x") == {"zip": None, "found": [], "too_much": False}


def test_without_its_password_an_archive_has_no_members() -> None:
    archive = protected_zip({"one.txt": b"1"}, "secret")
    assert taken(archive, id_of(archive, "0/one.txt"), passwords=("wrong",))["found"] == []


def test_more_than_is_handed_over_at_once_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = protected_zip({"big.bin": b"x" * 2000}, None)
    monkeypatch.setattr(taking, "MOST_BYTES", 1000)
    assert taken(archive, id_of(archive, "0/big.bin"))["too_much"] is True


@pytest.fixture
async def archived(http: httpx.AsyncClient, make_submission: Make, make_upload: Make) -> str:
    attachments = [{"upload_id": await make_upload("a.zip", b"bytes"), "password": "secret"}]
    answer = await http.post(CASES, json=make_submission(attachments=attachments))
    return str(answer.json()["sr_number"])


async def test_members_of_an_archive_become_a_case_of_their_own(
    http: httpx.AsyncClient,
    make_submission: Make,
    cases: InMemoryCaseRepository,
    members: FakeMembers,
    archived: str,
) -> None:
    members.inside = {cases.cases[archived].evidence[0].id: {FIRST, SECOND}}
    chosen = {"evidence_ids": [FIRST, SECOND], "submission": make_submission(subject="Theirs", urls=[])}
    answer = await http.post(f"{CASES}/{archived}/promote", json=chosen)
    assert answer.status_code == 201, answer.text
    promoted = cases.cases[answer.json()["sr_number"]]
    assert promoted.promoted_from == (FIRST, SECOND)
    assert [(one.name, one.password) for one in promoted.sheet().attachments] == [("chosen-from-a.zip", "infected")]


async def test_nothing_is_copied_before_the_submission_is_checked(
    http: httpx.AsyncClient,
    make_submission: Make,
    cases: InMemoryCaseRepository,
    known_uploads: InMemoryUploadRepository,
    members: FakeMembers,
    archived: str,
) -> None:
    before, piece = len(known_uploads.uploads), cases.cases[archived].evidence[0].id
    wrong = {"evidence_ids": [piece], "submission": make_submission(subject="", urls=[])}
    answer = await http.post(f"{CASES}/{archived}/promote", json=wrong)
    assert [one["field"] for one in answer.json()["errors"]] == ["/subject"]
    nowhere = {"evidence_ids": [piece, NOWHERE], "submission": make_submission(urls=[])}
    answer = await http.post(f"{CASES}/{archived}/promote", json=nowhere)
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [("/evidence_ids/1", "evidence.unknown")]
    members.too_much = True
    answer = await http.post(f"{CASES}/{archived}/promote", json=nowhere)
    assert [one["code"] for one in answer.json()["errors"]] == ["evidence.too_large"]
    assert len(known_uploads.uploads) == before


async def test_an_account_has_files_taken_out_one_request_at_a_time(
    http: httpx.AsyncClient,
    make_submission: Make,
    cases: InMemoryCaseRepository,
    members: FakeMembers,
    archived: str,
    stranger: dict[str, str],
) -> None:
    theirs = str((await http.post(CASES, json=make_submission(), headers=stranger)).json()["sr_number"])
    members.inside = {cases.cases[archived].evidence[0].id: {FIRST}}
    chosen = {"evidence_ids": [FIRST], "submission": make_submission(urls=[])}
    members.open.clear()
    first = asyncio.create_task(http.post(f"{CASES}/{archived}/promote", json=chosen))
    async with asyncio.timeout(60):
        while not members.asked:
            await asyncio.sleep(0.01)
    second = await http.post(f"{CASES}/{archived}/promote", json=chosen)
    assert (second.status_code, second.headers["retry-after"]) == (429, "10")
    [error] = second.json()["errors"]
    assert (error["field"], error["code"]) == ("/evidence_ids", "evidence.busy")
    assert error["help"]
    others = asyncio.create_task(http.post(f"{CASES}/{theirs}/promote", json=chosen, headers=stranger))
    members.open.set()
    assert (await first).status_code == 201
    assert [one["code"] for one in (await others).json()["errors"]] == ["evidence.unknown"]


async def test_a_search_that_takes_too_long_is_given_up(
    http: httpx.AsyncClient,
    make_submission: Make,
    members: FakeMembers,
    archived: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "SEARCH_SECONDS", 0.01)
    members.open.clear()
    chosen = {"evidence_ids": [FIRST], "submission": make_submission(urls=[])}
    answer = await http.post(f"{CASES}/{archived}/promote", json=chosen)
    assert [one["code"] for one in answer.json()["errors"]] == ["evidence.too_large"]


@pytest.mark.parametrize("strange", ["m1", "../" * 12, "", FIRST.upper().replace("1", "A"), FIRST + "\n"])
async def test_what_is_no_id_is_unknown_without_a_search(
    http: httpx.AsyncClient, make_submission: Make, members: FakeMembers, archived: str, strange: str
) -> None:
    chosen = {"evidence_ids": [FIRST, strange], "submission": make_submission(urls=[])}
    answer = await http.post(f"{CASES}/{archived}/promote", json=chosen)
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [("/evidence_ids/1", "evidence.unknown")]
    assert not members.asked
