"""What a command line starts, and whether it is one that a person should look at."""

import re

READ = 8192

_SCRIPT = re.compile(
    r"(?i)\b(?:powershell|pwsh|wscript|cscript|mshta|certutil|bitsadmin)(?:\.exe)?\b"
    r"|\bregsvr32(?:\.exe)?\b.{0,200}\bscrobj|\brundll32(?:\.exe)?\b.{0,200}\bjavascript:"
    r"|\bcmd(?:\.exe)?\"?\s{1,8}/[ck]\b|\.(?:vbs|vbe|js|jse|wsf|hta|ps1|bat|cmd)\b|\b(?:javascript|vbscript):"
)
_SUSPICIOUS = re.compile(
    r"(?i)\s-e(?:nc|ncodedcommand)?\s{1,8}[A-Za-z0-9+/=]{40}|\bfrombase64string\b|\bdownload(?:string|file|data)\b"
    r"|\bmshta(?:\.exe)?\"?\s{1,8}(?:https?|javascript|vbscript):|\bregsvr32(?:\.exe)?\b.{0,200}\bscrobj"
    r"|\bcertutil(?:\.exe)?\b.{0,200}-(?:urlcache|decode)\b|\bvssadmin(?:\.exe)?\b.{0,80}\bdelete\b"
    r"|\bwevtutil(?:\.exe)?\"?\s{1,8}cl\b"
)
_PROGRAM = re.compile(
    r"(?i)^\s{0,8}(?:\"([^\"]{1,1024})\"|(.{1,1024}?\.(?:exe|dll|sys|com|scr|cpl))(?=\s|,|$)|(\S{1,1024}))"
)


def starts_script(line: str) -> bool:
    """By an interpreter or by the name of a script."""
    return _SCRIPT.search(line[:READ]) is not None


def is_suspicious(line: str) -> bool:
    """It decodes or downloads code, or removes traces and backups."""
    return _SUSPICIOUS.search(line[:READ]) is not None


def program_of(line: str) -> str:
    """The path of the program, in lower case; empty when there is none."""
    match = _PROGRAM.match(line[:READ])
    return next(filter(None, match.groups()), "").lower() if match else ""
