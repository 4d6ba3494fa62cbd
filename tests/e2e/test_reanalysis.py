"""A rule that comes later changes verdicts: every account that sent the bytes is told, once, of its own case only."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from embedded_system import Client, System, eventually
from evidence import aes_zip

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture
def marked(system: System) -> Iterator[str]:
    """Text that a rule of a team will hold for malicious, once ``turn_against`` is called."""
    yield uuid4().hex
    (system.data / "rules" / "e2e.yar").unlink(missing_ok=True)


def turn_against(system: System, operator: Client, text: str) -> None:
    meta = 'meta: verdict = "malicious" says = "It is marked."'
    rule = f'rule marked {{ {meta} strings: $a = "{text}" condition: $a }}'
    (system.data / "rules" / "e2e.yar").write_text(rule)
    eventually(lambda: operator.get("/engines")["team"]["files"], lambda files: "e2e.yar" in files)


def told(system: System, sr: str, *kinds: str) -> Counter[tuple[str, str]]:
    """Kinds and recipients of the mails of a case, once its sender and the other one have those of these kinds."""

    def look() -> Counter[tuple[str, str]]:
        return Counter((mail["X-Caseway-Kind"], mail["X-RcptTo"]) for mail in system.mails_of(sr))

    def all_told(sent: Counter[tuple[str, str]]) -> bool:
        return all(len([to for told, to in sent if told == kind]) >= 2 for kind in kinds)

    found: Counter[tuple[str, str]] = eventually(look, all_told)
    return found


def malicious(client: Client, sr: str) -> Any:
    return eventually(
        lambda: client.get(f"/cases/{sr}"), lambda found: found["analysis"]["files"][0]["verdict"] == "malicious"
    )


def test_a_revised_verdict_reaches_every_account_that_sent_the_bytes(
    system: System, customer: Client, other_customer: Client, marked: str
) -> None:
    operator = system.client("operator")
    sample = aes_zip({"notes.txt": f"a note with {marked}".encode()}, "infected")
    cases = {
        one.opened(attachments=[("notes.zip", sample, "infected")], cc=["cc@customer.example"]): one
        for one in (customer, other_customer)
    }
    for sr, client in cases.items():
        assert {file["verdict"] for file in client.completed(sr)["analysis"]["files"]} == {"unknown"}
        told(system, sr, "confirmation", "analysis-complete")

    turn_against(system, operator, marked)
    operator.get("/engines")
    token = str(operator.http.headers["Authorization"]).removeprefix("Bearer ")
    first = next(iter(cases))
    sha256 = customer.get(f"/cases/{first}")["analysis"]["files"][0]["sha256"]

    environment = {"CASEWAY_TOKEN": token, "CASEWAY_URL": system.state()["url"]}

    def reanalyzed(*options: str) -> Any:
        done = system.caseway("reanalyze", "--sha256", sha256, "--json", *options, timeout=240, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    would = reanalyzed("--dry-run")
    assert {(one["sr_number"], one["from"], one["to"]) for one in would["changes"]} == {
        (sr, "unknown", "malicious") for sr in cases
    }
    assert customer.get(f"/cases/{first}")["analysis"]["files"][0]["verdict"] == "unknown"
    assert reanalyzed()["changed"] == 2
    assert reanalyzed()["changed"] == 0

    for sr, client in cases.items():
        case = malicious(client, sr)
        assert case["analysis"]["complete"]
        assert "marked" in [reason["rule"] for reason in case["analysis"]["files"][1]["reasons"]]
        assert "A file was analyzed again: malicious, unknown before." in [one["says"] for one in case["timeline"]]
        sent = told(system, sr, "verdict-revised")
        assert {kind for kind, _ in sent} == {"confirmation", "analysis-complete", "verdict-revised"}
        assert set(sent.values()) == {1}
        others = [other for other in cases if other != sr]
        assert not any(other in mail.as_string() for other in others for mail in system.mails_of(sr))
        assert not any(other in json.dumps(case) for other in others)


def test_only_an_operator_looks_again(system: System, customer: Client) -> None:
    assert customer.request("POST", "/reanalyses", json={}).status_code == 403
    nobody = {"CASEWAY_TOKEN": "nobody", "CASEWAY_URL": system.state()["url"]}
    assert system.caseway("reanalyze", "--dry-run", **nobody).returncode == 1
