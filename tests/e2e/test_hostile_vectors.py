"""Published shapes of attack on mail headers, file names and query languages, through the front door."""

import json
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest
from embedded_system import Client, System, eventually

from caseway_kit.testing.corpora import corpora

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

IN_SUBJECTS = [
    "x\r\nBcc: victim@example.net",
    "x\nContent-Type: text/html\n\n<b>",
    "x\rX-Injected: 1",
    "=?utf-8?q?x=0d=0aBcc:_v=40example.net?=",
    "=?utf-8?b?DQpCY2M6IHZAZXhhbXBsZS5uZXQ=?=",
    "x\u2028Bcc: victim@example.net",
    "x\u0085Bcc: victim@example.net",
    "x\x0bBcc: victim@example.net",
    "%0d%0aBcc: victim@example.net",
    "{{7*7}} ${7*7} %s",
    "a" * 255,
    "\r\n.\r\nMAIL FROM:<x@example.net>",
]
IN_ADDRESSES = [
    "a@example.com\r\nBcc: victim@example.net",
    "a@example.com%0aBcc:victim@example.net",
    '"a@example.com" <b@example.net>',
    "a@example.com,b@example.com",
    "a@example.com@example.net",
    "<a@example.com>b@example.net",
    "a@example.com>\r\nRCPT TO:<b@example.net",
    "a@example.com (comment)",
    "a@[127.0.0.1]",
    "a@example.com\x00",
]


def vectors(name: str) -> list[Any]:
    found: list[Any] = json.loads((corpora("own-vectors") / f"{name}.json").read_text())
    return found


def check_mails(system: System, sr: str, recipients: set[str]) -> None:
    mails = eventually(lambda: system.mails_of(sr), lambda found: {mail["To"] for mail in found} >= recipients)
    assert {mail["To"] for mail in mails} == recipients
    for mail in mails:
        assert max(Counter(name.lower() for name in mail).values()) == 1
        assert {"bcc", "cc", "x-injected"}.isdisjoint(name.lower() for name in mail)
        assert mail.get_content_type() == "text/plain"
        assert mail["X-RcptTo"] == mail["To"]
        assert "49" not in str(mail["Subject"]).replace(sr, "")


def submit_and_check(system: System, customer: Client, subject: str, cc: list[str]) -> None:
    """Refused, or sent to exactly those recipients."""
    answer = customer.submit(category="threat-inquiry", fields={}, subject=subject, cc=cc)
    if answer.status_code != 201:
        assert answer.status_code in (400, 422), answer.text
        return
    sender = system.users["customer"]["email"]
    check_mails(system, answer.json()["sr_number"], {sender, *cc})


def test_a_subject_or_an_address_adds_no_header_and_no_recipient(system: System, customer: Client) -> None:
    for subject in IN_SUBJECTS:
        submit_and_check(system, customer, subject, ["helpdesk@example.com"])
    for address in IN_ADDRESSES:
        submit_and_check(system, customer, "plain", [address])


def test_published_header_injections_add_nothing(system: System, customer: Client) -> None:
    for vector in vectors("mail-header-injection"):
        value = vector["value"]
        submit_and_check(
            system,
            customer,
            "plain" if vector["field"] == "cc" else value,
            [value] if vector["field"] == "cc" else [],
        )


def test_a_file_name_is_kept_as_words_only(system: System, customer: Client) -> None:
    names = [vector["name"] for vector in vectors("filenames")]
    accepted = {}
    for name in names:
        named = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        upload = customer.request("POST", "/uploads", content=b"nothing to see\n", headers=named)
        assert upload.status_code in (201, 400, 422), upload.text
        if upload.status_code != 201:
            continue
        attachments = [{"upload_id": upload.json()["upload_id"]}]
        answer = customer.request("POST", "/cases", json=customer.submission() | {"attachments": attachments})
        assert answer.status_code in (201, 422), answer.text
        if answer.status_code == 201:
            accepted[answer.json()["sr_number"]] = name
    assert len(accepted) >= 8
    for sr, name in accepted.items():
        [shown] = customer.completed(sr)["analysis"]["files"]
        assert shown["name"], name
    assert not list(system.data.rglob("win.ini"))


def test_operators_of_a_query_language_are_refused(customer: Client, other_customer: Client) -> None:
    theirs = other_customer.opened(category="threat-inquiry", fields={})
    for vector in vectors("nosql-injection"):
        body = vector["body"]
        assert customer.request("POST", "/cases", json=customer.submission() | body).status_code in (400, 422)
        assert customer.request("POST", "/session", json={"email": "x", "password": "y"} | body).status_code in (
            400,
            401,
            422,
        )
        params = {name: json.dumps(value) for name, value in body.items()}
        answer = customer.request("GET", "/cases", params=params)
        assert answer.status_code in (200, 400, 422), answer.text
        assert theirs not in answer.text
