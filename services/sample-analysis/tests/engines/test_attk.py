import codecs
from collections.abc import Callable
from typing import Any

import pytest

from caseway_kit.archives import protected_zip

Examine = Callable[..., Any]
MakeZip = Callable[[dict[str, bytes]], bytes]

SCAN = """<?xml version="1.0"?>
<ScanReport>
  <Entry Id="1"><Path>C:\\Temp\\evil.exe</Path><SHA1>AAAA</SHA1><FalsePositive>false</FalsePositive></Entry>
  <Entry Id="2"><Path>C:\\Windows\\good.dll</Path><SHA1>bbbb</SHA1><FalsePositive>true</FalsePositive></Entry>
</ScanReport>"""
ASSESS = """<?xml version="1.0"?>
<a:AssessReport xmlns:a="urn:made-up">
  <a:ComputerName>HOST-Ä1</a:ComputerName>
  <a:OS><a:Major>10</a:Major><a:Minor>0</a:Minor><a:Build>19045</a:Build></a:OS>
  <a:Files>
    <a:File Id="1">
      <a:Path>C:\\Temp\\evil.exe</a:Path><a:SHA1>aaaa</a:SHA1><a:Signer></a:Signer><a:Prevalence>1</a:Prevalence>
    </a:File>
    <a:File Id="2">
      <a:Path>C:\\Windows\\good.dll</a:Path><a:SHA1>BBBB</a:SHA1>
      <a:Signer>Somebody</a:Signer><a:Prevalence>900000</a:Prevalence>
    </a:File>
    <a:File Id="3">
      <a:Path>C:\\Tools\\own.exe</a:Path><a:SHA1>cccc</a:SHA1><a:Signer/><a:Prevalence>800</a:Prevalence>
    </a:File>
  </a:Files>
  <a:Autoruns>
    <a:Autorun Id="1"><a:LaunchString>"C:\\Tools\\own.exe" -start</a:LaunchString></a:Autorun>
    <a:Autorun Id="2"><a:LaunchString>wscript.exe C:\\Temp\\a.vbs</a:LaunchString></a:Autorun>
    <a:Autorun Id="3"><a:LaunchString>C:\\Windows\\good.dll</a:LaunchString></a:Autorun>
  </a:Autoruns>
  <a:Ports>
    <a:Port><a:LocalAddress>0.0.0.0</a:LocalAddress><a:LocalPort>3389</a:LocalPort></a:Port>
    <a:Port><a:LocalAddress>10.0.0.5</a:LocalAddress><a:LocalPort>50111</a:LocalPort></a:Port>
  </a:Ports>
  <a:BrowserHistory><a:Item><a:URL>http://visited.example/a?x=1&amp;y=2</a:URL></a:Item></a:BrowserHistory>
</a:AssessReport>"""


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
