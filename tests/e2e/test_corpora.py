"""Real-world inputs, read from where they lie: through the front door, the sandbox and the case page."""

import json
from pathlib import Path

import pytest
from embedded_system import Client, System, by
from evidence import aes_zip, zipcrypto_zip

from caseway_kit.testing.corpora import corpora

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.mark.parametrize("strength", ["aes128", "aes256"])
def test_a_zip_of_other_peoples_making_opens_with_its_password(customer: Client, strength: str) -> None:
    path = corpora("archive-libarchive") / "encrypted" / f"read_format_zip_winzip_{strength}.zip"
    sr = customer.opened(attachments=[(path.name, path.read_bytes(), "password")])
    files = customer.completed(sr)["analysis"]["files"]
    outer = by(files, name=path.name)
    members = [one for one in files if one["parent_id"] == outer["id"]]
    assert members
    assert all(one["sha256"] and one["size"] is not None for one in members)
    wrong = customer.submit(attachments=[(path.name, path.read_bytes(), "not this one")])
    assert wrong.json()["errors"][0]["code"] == "archive.wrong_password"


@pytest.mark.parametrize("protect", [aes_zip, zipcrypto_zip], ids=["AES", "ZipCrypto"])
@pytest.mark.parametrize("corpus", ["email-strelka", "email-mailparser"])
def test_real_mails_in_a_protected_zip_each_get_a_result(customer: Client, corpus: str, protect: object) -> None:
    paths = sorted(path for path in corpora(corpus).iterdir() if path.suffix != ".json")
    mails = {f"{path.stem}.eml": path.read_bytes() for path in paths}
    assert callable(protect)
    archive = protect(mails, "infected")
    sr = customer.opened(attachments=[("mails.zip", archive, "infected")])
    analysis = customer.completed(sr)["analysis"]
    outer = by(analysis["files"], name="mails.zip")
    members = {one["id"]: one["name"] for one in analysis["files"] if one["parent_id"] == outer["id"]}
    assert sorted(members.values()) == sorted(mails)
    # What is broken so that no header is left is a file, whatever its name says.
    read = {members[one["id"]] for one in analysis["emails"] if one["id"] in members}
    assert read >= {name for name in mails if "broken" not in name and "malformed" not in name}
    rated = {one["id"] for one in analysis["urls"]}
    for mail in analysis["emails"]:
        assert set(mail["urls"]) <= rated
        assert set(mail["attachments"]) <= {one["id"] for one in analysis["files"]}


def test_the_command_line_takes_a_real_archive(system: System, customer: Client) -> None:
    path: Path = corpora("archive-libarchive") / "encrypted" / "read_format_zip_winzip_aes256.zip"
    done = system.caseway(
        *("submit", "--profile", customer.profile()["id"], "--category", "collected-threat-sample-analysis"),
        *("--subject", "s", "--description", "d", "--field", "virus_pattern_type=virus-pattern-cpr"),
        *("--file", f"{path}::password", "--wait", "--json"),
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["analysis"]["files"]) > 1
