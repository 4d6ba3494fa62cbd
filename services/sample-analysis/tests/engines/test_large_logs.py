"""Reports and logs of tens of megabytes: read as they stream by, in memory that does not grow with them."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

MIB_ALLOWED = 200
ENTRIES = 60_000
LINES = 150_000


def scan_report() -> bytes:
    entry = '<Entry Id="{0}"><Path>C:\\Dir\\{1}.exe</Path><SHA1>{1}</SHA1><FalsePositive>{2}</FalsePositive></Entry>\n'
    entries = (
        entry.format(number, hashlib.sha1(b"%d" % number).hexdigest(), "true" if number % 100 else "false")
        for number in range(ENTRIES)
    )
    return f"<ScanReport>{''.join(entries)}</ScanReport>".encode("utf-16")


def agent_log() -> bytes:
    line = "20260105<;>0930<;>Threat.{0}<;>1<;>1<;><;>C:\\{1}\\<;>a.exe<;><;>1767605400<;><;>\r\n"
    lines = "".join(line.format(number, hashlib.sha1(b"%d" % number).hexdigest()) for number in range(LINES))
    endless = "".join(hashlib.sha256(b"%d" % number).hexdigest() for number in range(200_000))
    return lines.encode() + b"\x00\xff\xfe binary \x1a\n" + endless.encode() + b"\n" + lines[:200].encode("cp1252")


MEASURED = """
import json, sys
from pathlib import Path
import sample_analysis.engines.warm
from sample_analysis.engines import analyze
def peak():
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) // 1024
Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
before = peak()
[log] = analyze(sys.argv[1], "e", "attk.zip", "attk_log")["attk_logs"]
print(json.dumps({"log": log, "grown": peak() - before}))
"""


def test_large_reports_are_streamed_in_little_memory(tmp_path: Path) -> None:
    sample = tmp_path / "attk.zip"
    with zipfile.ZipFile(sample, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("log/scanreport.xml", scan_report())
        archive.writestr("log/pccnt35.log", agent_log())
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(sample)], capture_output=True, text=True, timeout=240, check=True
    )
    found = json.loads(done.stdout)
    log = found["log"]
    assert log["entries"]["suspicious"] == ENTRIES // 100
    assert log["entries"]["known_good"] == ENTRIES - ENTRIES // 100
    assert log["summary"]["detections"] == LINES + 1
    assert {limit["limit"] for limit in log["limits"]} == {"findings"}
    assert found["grown"] < MIB_ALLOWED
