import codecs
from collections.abc import Callable
from typing import Any

import pytest
from attk_reports import ASSESS, SCAN

from caseway_kit.archives import protected_zip

Examine = Callable[..., Any]
MakeZip = Callable[[dict[str, bytes]], bytes]


@pytest.mark.parametrize(
    "encode",
    [
        str.encode,
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.encode("cp1252"),
        lambda text: text.replace('"1.0"', '"1.0" encoding="UTF-16"', 1).encode(),
        lambda text: ("\ufeff" + text).encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8-bom", "utf-16-bom", "utf-16-le", "utf-16-be", "ansi", "wrong-declaration", "utf-16-be-bom"],
)
def test_package_is_read_in_every_encoding(examine: Examine, make_zip: MakeZip, encode: Callable[[str], bytes]) -> None:
    packed = make_zip(
        {"irobot/Log/ScanReport.xml": encode(SCAN), "irobot/Log/AssessReport.xml": encode(ASSESS), "irobot/x.log": b"x"}
    )
    report = examine(packed, "20170101-GUID_17507.zip", "attk_log")
    [log] = report.parsed.attk_logs
    assert (log.id, report.root.kind) == (report.root.id, "attk_log")
    assert (log.host, log.os) == ("HOST-Ä1", "10.0.19045")
    assert (log.entries.suspicious, log.entries.known_good, log.entries.unknown) == (1, 1, 1)
    assert [(finding.rule, finding.where) for finding in log.findings] == [
        ("suspicious-file", "C:\\Temp\\evil.exe"),
        ("rare-file", "C:\\Temp\\evil.exe"),
        ("listening-port", "0.0.0.0:3389"),
        ("unsigned-autorun", '"C:\\Tools\\own.exe" -start'),
        ("script-in-autorun", "wscript.exe C:\\Temp\\a.vbs"),
    ]
    assert [url.url for url in report.parsed.urls] == ["http://visited.example/a?x=1&y=2"]
    assert (log.verdict, report.root.verdict) == ("suspicious", "suspicious")
    assert {reason.rule for reason in log.reasons} == {"suspicious-file", "script-in-autorun"}


def test_protected_package_is_opened_and_its_files_listed(examine: Examine) -> None:
    packed = protected_zip({"log/scanreport.xml": SCAN.encode(), "log/other.txt": b"x"}, "virus")
    report = examine(packed, "attk.zip", "attk_log")
    assert report.parsed.attk_logs[0].entries.suspicious == 1
    assert report.names() == ["attk.zip", "log/scanreport.xml", "log/other.txt"]


@pytest.mark.parametrize(
    "attack",
    [
        '<!DOCTYPE a [<!ENTITY x "y">]><a><Entry><Path>&x;</Path></Entry></a>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><Entry><Path>&x;</Path></Entry></a>',
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://x.example/">%p;]><a/>',
        "<a>" + "<b>" * 5000,
    ],
    ids=["entity", "external", "parameter", "deep"],
)
def test_attack_on_the_xml_reader_is_refused(examine: Examine, make_zip: MakeZip, attack: str) -> None:
    report = examine(make_zip({"scanreport.xml": attack.encode()}), "attk.zip", "attk_log")
    assert "refused" in report.limits()
    assert "root:" not in str(report.plain)


def test_tag_of_many_megabytes_is_refused_early(examine: Examine, make_zip: MakeZip) -> None:
    attack = b"<a " + b"x" * (20 * 1024 * 1024)
    report = examine(make_zip({"scanreport.xml": attack}), "attk.zip", "attk_log")
    assert "refused" in report.limits()


def test_what_stands_before_the_damage_counts(examine: Examine, make_zip: MakeZip) -> None:
    report = examine(make_zip({"scanreport.xml": SCAN[:-60].encode()}), "attk.zip", "attk_log")
    assert report.parsed.attk_logs[0].entries.suspicious == 1
    assert "damaged" in report.limits()


def test_binary_in_a_report_is_passed_over(examine: Examine, make_zip: MakeZip) -> None:
    scan = SCAN.replace("evil.exe", "ev\x01\x0bil.exe").encode().replace(b"evil", b"ev\xff\xfeil")
    report = examine(make_zip({"scanreport.xml": scan}), "attk.zip", "attk_log")
    assert report.parsed.attk_logs[0].entries.suspicious == 1


def test_package_without_reports_says_so(examine: Examine, make_zip: MakeZip) -> None:
    report = examine(make_zip({"other.txt": b"x"}), "attk.zip", "attk_log")
    assert len(report.parsed.attk_logs) == 1
    assert "no-reports" in report.limits()


def test_findings_and_urls_are_limited(examine: Examine, make_zip: MakeZip) -> None:
    urls = "".join(f"<URL>http://x{number}.example/</URL>" for number in range(1500))
    ports = "<Port><LocalPort>80</LocalPort></Port>" * 300
    report = examine(make_zip({"assessreport.xml": f"<a>{urls}{ports}</a>".encode()}), "attk.zip", "attk_log")
    [log] = report.parsed.attk_logs
    assert (len(report.parsed.urls), report.parsed.urls_truncated, len(log.findings)) == (1000, True, 100)
    assert "findings" in report.limits()
