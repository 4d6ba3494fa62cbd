"""A case of each kind of evidence, from its submission to its results and mails, by HTTP and by command line."""

import json
from functools import partial
from pathlib import Path

import pytest
from embedded_system import Client, System, by, eventually
from evidence import EICAR, aes_zip, attk_zip, mail, zipcrypto_zip

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

README = b"Nothing to see here.\n"


@pytest.mark.parametrize(
    ("archive", "password"),
    [
        (aes_zip({"eicar.com": EICAR, "readme.txt": README}, "our own"), "our own"),
        (zipcrypto_zip({"eicar.com": EICAR, "readme.txt": README}, "infected"), None),
        (aes_zip({"eicar.com": EICAR, "readme.txt": README}, "virus"), None),
    ],
    ids=["AES, own password", "ZipCrypto, infected", "AES, virus"],
)
def test_a_protected_zip_is_opened_and_each_file_judged(customer: Client, archive: bytes, password: str | None) -> None:
    sr = customer.opened(attachments=[("samples.zip", archive, password)])
    files = customer.completed(sr)["analysis"]["files"]
    outer, bad, good = by(files, name="samples.zip"), by(files, name="eicar.com"), by(files, name="readme.txt")
    assert outer["parent_id"] is None
    assert {bad["parent_id"], good["parent_id"]} == {outer["id"]}
    assert (outer["verdict"], bad["verdict"], good["verdict"]) == ("malicious", "malicious", "unknown")
    assert bad["md5"] == "44d88612fea8a8f36de82e1278abb02f"
    assert bad["sha256"] == "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
    assert bad["reasons"][0]["engine"]
    assert bad["reasons"][0]["says"]


def test_a_mail_is_taken_apart_and_its_attachments_and_urls_judged(customer: Client) -> None:
    sample = mail(attachments={"invoice.zip": aes_zip({"eicar.com": EICAR}, "infected")})
    archive = aes_zip({"original.eml": sample}, "infected")
    sr = customer.opened(category="spam", fields={}, attachments=[("mails.zip", archive, "infected")])
    analysis = customer.completed(sr)["analysis"]
    [found] = analysis["emails"]
    assert found["subject"] == "Overdue invoice"
    assert found["from"] == "Accounts <billing@sender.example>"
    assert found["authentication"].items() >= {"spf": "fail", "dkim": "none", "dmarc": "fail"}.items()
    assert by(analysis["files"], id=found["id"])["name"] == "original.eml"
    attached = by(analysis["files"], name="invoice.zip")
    assert attached["id"] in found["attachments"]
    assert by(analysis["files"], name="eicar.com")["parent_id"] == attached["id"]
    assert found["verdict"] == "malicious"
    url = by(analysis["urls"], url="http://phishing.test/login")
    assert url["parent_id"] == found["id"]
    assert url["id"] in found["urls"]
    assert url["rating"] == "dangerous"


def test_an_attk_log_is_summed_up(customer: Client) -> None:
    sr = customer.opened(
        category="infected-or-possibly-infected", attachments=[("20260105-GUID_1.zip", attk_zip(), None)]
    )
    analysis = customer.completed(sr)["analysis"]
    [log] = analysis["attk_logs"]
    assert log["host"] == "DEMO-PC"
    assert log["os"].startswith("10.0")
    assert (log["entries"]["suspicious"], log["entries"]["known_good"]) == (1, 1)
    assert len(log["findings"]) >= 3
    assert by(analysis["urls"], url="http://updates.malware.test/payload")


def test_typed_urls_are_rated_and_a_reclassification_is_recorded(customer: Client) -> None:
    urls = [
        {"url": "http://phishing.test/login", "requested_rating": "safe"},
        {"url": "http://never-seen.example/"},
    ]
    sr = customer.opened(category="url-reclassification", fields={}, urls=urls)
    found = customer.completed(sr)["analysis"]["urls"]
    listed = by(found, url="http://phishing.test/login")
    assert (listed["rating"], listed["requested"]["rating"]) == ("dangerous", "safe")
    assert listed["reasons"]
    unseen = by(found, url="http://never-seen.example/")
    assert (unseen["rating"], unseen["score"], unseen["requested"]) == ("untested", 71, None)


def test_an_analyst_decides_from_a_shell_what_no_rule_could(customer: Client, system: System) -> None:
    url = {"url": "http://phishing.test/decided", "requested_rating": "safe"}
    sr = customer.opened(category="url-reclassification", fields={}, urls=[url])
    customer.completed(sr)
    analyst = system.client("analyst")

    def queued() -> list[str]:
        cases = analyst.get("/desk/reclassifications", team="web-reputation", limit=200)["items"]
        return [url_id for case in cases if case["sr_number"] == sr for url_id in case["url_ids"]]

    [url_id] = eventually(queued, bool)
    token = str(analyst.http.headers["Authorization"]).removeprefix("Bearer ")
    environment = {"CASEWAY_TOKEN": token, "CASEWAY_URL": system.state()["url"]}
    listed = system.caseway("reclassifications", "list", "--limit", "200", "--json", **environment)
    assert by(json.loads(listed.stdout), id=url_id)["url"] == url["url"]
    why = ("--keep", "--reason", "It is on a list.")
    done = system.caseway("reclassifications", "decide", url_id, *why, **environment)
    assert done.returncode == 0, done.stderr

    eventually(queued, lambda left: not left)
    [decided] = eventually(
        lambda: customer.get(f"/cases/{sr}")["analysis"]["urls"], lambda urls: urls[0]["outcome"] == "kept"
    )
    assert decided["rating"] == "dangerous"


def test_a_case_that_mixes_all_four_kinds_has_a_result_for_each(customer: Client, system: System) -> None:
    sr = customer.opened(
        cc=["bob@customer.example", "BOB@customer.example", "eve@customer.example"],
        attachments=[
            ("samples.zip", aes_zip({"eicar.com": EICAR}, "infected"), "infected"),
            ("mails.zip", aes_zip({"one.eml": mail(), "two.eml": mail("Hello", "Hi")}, "infected"), "infected"),
            ("attk.zip", attk_zip(), None),
        ],
        urls=[{"url": f"http://{number}.example/"} for number in range(10)],
    )
    case = customer.completed(sr)
    analysis = case["analysis"]
    roots = {one["name"] for one in analysis["files"] if one["parent_id"] is None}
    assert roots == {"samples.zip", "mails.zip", "attk.zip"}
    assert len(analysis["emails"]) == 2
    assert len(analysis["attk_logs"]) == 1
    assert len([one for one in analysis["urls"] if one["parent_id"] is None]) == 10
    wanted = {"customer@demo.example", "bob@customer.example", "eve@customer.example"}

    def recipients(kind: str) -> list[str]:
        return sorted(mail_["To"] for mail_ in system.mails_of(sr) if mail_["X-Caseway-Kind"] == kind)

    for kind in ("confirmation", "analysis-complete"):
        sent_to = eventually(partial(recipients, kind), lambda found: len(found) >= len(wanted))
        assert sorted(address.lower() for address in sent_to) == sorted(wanted)
    sent = eventually(
        lambda: customer.get(f"/cases/{sr}")["notifications"],
        lambda found: len(found) >= 6 and all(one["status"] == "sent" for one in found),
    )
    assert {one["kind"] for one in sent} == {"confirmation", "analysis-complete"}


@pytest.mark.parametrize(
    ("category", "name", "content", "password", "fields", "kind"),
    [
        ("collected-threat-sample-analysis", "s.zip", aes_zip({"eicar.com": EICAR}, "pw"), "pw", True, "files"),
        ("spam-false-positive", "m.zip", aes_zip({"a.eml": mail()}, "novirus"), "novirus", False, "emails"),
        ("infected-or-possibly-infected", "attk.zip", attk_zip(), None, True, "attk_logs"),
    ],
)
def test_the_command_line_submits_waits_and_shows(
    system: System,
    customer: Client,
    tmp_path: Path,
    category: str,
    name: str,
    content: bytes,
    password: str | None,
    fields: bool,
    kind: str,
) -> None:
    (tmp_path / name).write_bytes(content)
    file = str(tmp_path / name) + (f"::{password}" if password else "")
    done = system.caseway(
        *("submit", "--profile", customer.profile()["name"], "--category", category),
        *("--subject", "By hand", "--description", "…", "--file", file, "--wait", "--json"),
        *(("--field", "virus_pattern_type=virus-pattern-cpr") if fields else ()),
    )
    assert done.returncode == 0, done.stderr
    case = json.loads(done.stdout)
    assert case["analysis"]["complete"]
    assert case["analysis"][kind]
    shown = system.caseway("case", case["sr_number"])
    assert case["sr_number"] in shown.stdout
    assert json.loads(system.caseway("cases", "--q", case["sr_number"], "--json").stdout)[0]["subject"] == "By hand"


def test_the_command_line_rates_urls(system: System) -> None:
    done = system.caseway("rating", "http://phishing.test/login", "not a url", "--json")
    assert done.returncode == 0, done.stderr
    listed, broken = json.loads(done.stdout)
    assert listed["rating"] == "dangerous"
    assert broken["error"]
