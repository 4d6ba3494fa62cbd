"""What cannot be used is refused at once, at the field, in words that say what to do; nothing is stored."""

import json
import random
from pathlib import Path
from typing import Any

import httpx
import pytest
from embedded_system import Client, System
from evidence import EICAR, aes_zip, mail, plain_zip

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# What a program starts with is enough to know one; it is never run.
PROGRAM = b"MZ" + b"\0" * 58 + b"\x40\0\0\0" + b"PE\0\0" + b"\x64\x86" + b"\0" * 400


def refused(answer: httpx.Response, field: str, code: str) -> dict[str, Any]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    [error] = [one for one in answer.json()["errors"] if one["field"] == field]
    assert error["code"] == code
    assert error["message"]
    assert error["help"]
    found: dict[str, Any] = error
    return found


def test_a_wrong_password_is_told_at_its_attachment(customer: Client) -> None:
    archive = aes_zip({"eicar.com": EICAR}, "something else")
    answer = customer.submit(attachments=[("samples.zip", archive, "wrong")])
    refused(answer, "/attachments/0/password", "archive.wrong_password")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("program.exe", PROGRAM),
        ("harmless.txt", PROGRAM),
        ("script.js", b"alert(1)"),
        ("open.zip", plain_zip({"a.exe": PROGRAM})),
    ],
)
def test_a_bare_susceptible_file_is_refused_whatever_its_name(customer: Client, name: str, content: bytes) -> None:
    refused(customer.submit(attachments=[(name, content, None)]), "/attachments/0", "attachment.bare")


def test_an_empty_and_a_broken_archive_are_told_apart(customer: Client) -> None:
    refused(customer.submit(attachments=[("a.zip", plain_zip({}), None)]), "/attachments/0", "archive.empty")
    broken = aes_zip({"a.bin": random.Random(1).randbytes(50_000)}, "infected")[:20_000]
    refused(customer.submit(attachments=[("a.zip", broken, "infected")]), "/attachments/0", "archive.unreadable")


def test_a_forwarded_copy_is_not_the_original(customer: Client) -> None:
    forwarded = (
        b"From: ann@customer.example\r\nTo: support@vendor.example\r\nSubject: FW: Overdue invoice\r\n"
        b"Content-Type: text/plain\r\n\r\nSee below.\r\n\r\n-----Original Message-----\r\n"
        b"From: billing@sender.example\r\nSent: Monday\r\nTo: ann@customer.example\r\n"
        b"Subject: Overdue invoice\r\n\r\nPay.\r\n"
    )
    archive = aes_zip({"forwarded.eml": forwarded}, "infected")
    answer = customer.submit(category="spam", fields={}, attachments=[("mails.zip", archive, "infected")])
    refused(answer, "/attachments/0", "mail.forwarded")


def test_bare_mails_are_refused_in_the_spam_categories(customer: Client) -> None:
    answer = customer.submit(category="spam", fields={}, attachments=[("mail.eml", mail(), None)])
    refused(answer, "/attachments/0", "attachment.bare")


def test_the_eleventh_url_is_one_too_many(customer: Client) -> None:
    urls = [{"url": f"http://{number}.example/"} for number in range(11)]
    answer = customer.submit(category="url-reclassification", fields={}, urls=urls)
    refused(answer, "/urls", "urls.too_many")


def test_several_mistakes_are_told_together(customer: Client) -> None:
    answer = customer.submit(severity="high", cc=["nobody"], urls=[{"url": "javascript:alert(1)"}], nonsense=1)
    assert answer.status_code == 422
    found = {error["field"] for error in answer.json()["errors"]}
    assert found >= {"/nonsense"}
    answer = customer.submit(severity="high", cc=["nobody"], urls=[{"url": "javascript:alert(1)"}])
    codes = {error["field"]: error["code"] for error in answer.json()["errors"]}
    assert codes == {"/business_impact": "required", "/cc/0": "address.invalid", "/urls/0/url": "url.invalid"}


def test_the_command_line_says_it_too_and_exits_with_four(system: System, customer: Client, tmp_path: Path) -> None:
    (tmp_path / "program.exe").write_bytes(PROGRAM)
    done = system.caseway(
        *("submit", "--profile", customer.profile()["id"], "--category", "collected-threat-sample-analysis"),
        *("--subject", "s", "--description", "d", "--field", "virus_pattern_type=virus-pattern-cpr"),
        *("--file", str(tmp_path / "program.exe")),
    )
    assert done.returncode == 4
    assert "attachment.bare" in done.stderr
    assert system.caseway("case", "SR01-000000000-0").returncode == 3
    assert system.caseway("submit").returncode == 2


def test_nothing_refused_was_stored(system: System) -> None:
    assert system.reconcile()["lost"] == []


def test_a_wait_that_is_too_short_exits_with_five(system: System, customer: Client) -> None:
    done = system.caseway(
        *("submit", "--profile", customer.profile()["id"], "--category", "url-reclassification"),
        *("--subject", "s", "--description", "d", "--url", "http://a.example/", "--wait", "--timeout", "0"),
    )
    assert done.returncode in (0, 5)
    assert done.stdout.startswith("SR01-")


def test_errors_are_json_for_scripts(customer: Client) -> None:
    answer = customer.request("POST", "/cases", content=b"{not json", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert json.loads(answer.text)["status"] == 400
