"""What a script does, by the names that it uses: as it is written, and as its interpreter comes to see it."""

import re
from dataclasses import dataclass

from caseway_kit.archives import Content
from sample_analysis.engines import urls, yara
from sample_analysis.engines.inspection import Inspection
from sample_analysis.engines.programs.clear_text import clear, read_at_once

SEARCHED = 2 * 1024 * 1024


@dataclass(frozen=True)
class Sign:
    rule: str
    pattern: re.Pattern[str]
    says: str
    bad: bool = False
    """By itself."""


_STARTS = Sign(
    "script-starts-programs",
    re.compile(
        r"(?i)\bWScript\.Shell\b|\bShell\.Application\b|\bWin32_Process\b|\bShellExecute\b|\bStart-Process\b"
        r"|\bInvoke-Expression\b|\|\s{0,4}iex\b|\biex\s{0,4}[($&]|(?:^|[\s;({])[&.]\s{0,4}\(+\s{0,4}\$|[\"']iex[\"']|\bProcess\]::Start\b"
        r"|\bAssembly\]::Load\s{0,4}\("
        r"|(?:^|[&|;\n(])[ \t@]{0,8}start[ \t]{1,4}[^\r\n]{0,100}\.(?:exe|dll|msi|bat|vbs|js)\b"
    ),
    "The script can start programs, or text as a program.",
)
_FETCHES = Sign(
    "script-fetches-files",
    re.compile(
        r"(?i)\bXMLHTTP\b|\bWinHttpRequest\b|\bURLDownloadToFile|\bNet\.WebClient\b|\bDownload(?:String|File|Data)\b"
        r"|\bInvoke-(?:WebRequest|RestMethod)\b|\b(?:iwr|irm)\s{1,4}[\"'$(\-h]|\bStart-BitsTransfer\b"
        r"|\bbitsadmin\b[^\r\n]{0,100}/transfer|\bcertutil\b[^\r\n]{0,100}-urlcache"
        r"|\bcurl(?:\.exe)?[ \t][^\r\n]{0,200}\.(?:exe|dll|msi|bat|cmd|ps1|vbs|js|hta|zip|iso|cab)\b"
    ),
    "The script can fetch files from a server.",
)
_SIGNS = (
    _STARTS,
    _FETCHES,
    Sign(
        "script-disarms-protection",
        re.compile(
            r"(?i)\bAmsiUtils\b|\bamsiInitFailed\b|\bAmsiScanBuffer\b|\bSet-MpPreference\b[^\r\n]{0,200}-Disable"
            r"|\bAdd-MpPreference\b[^\r\n]{0,200}-Exclusion|\bDisableAntiSpyware\b|\bStop-Service\b[^\r\n]{0,60}\bWinDefend\b"
            r"|\bsc(?:\.exe)?\s{1,4}(?:stop|delete|config)\s{1,4}WinDefend\b|\bEnableLUA\b[^\r\n]{0,60}\b0\b"
        ),
        "The script switches off what protects the computer, or hides from it.",
        bad=True,
    ),
    Sign(
        "script-places-code",
        re.compile(
            r"(?i)\bVirtualAlloc(?:Ex)?\b|\bGetDelegateForFunctionPointer\b|\bCreateRemoteThread\b|\bQueueUserAPC\b"
        ),
        "The script places code into memory and runs it there.",
        bad=True,
    ),
    Sign(
        "script-runs-remote-script",
        re.compile(r"(?i)\bGetObject\s{0,4}\(\s{0,4}[\"']script(?:let)?:\s{0,4}https?:|\bms-msdt:[^\r\n]{0,20}/id\b"),
        "The script has another one run that lies on a server, or a part of Windows run what it names.",
        bad=True,
    ),
    Sign(
        "script-starts-interpreter",
        re.compile(
            r"(?i)\b(?:powershell|pwsh|mshta|wscript|cscript|rundll32|regsvr32)(?:\.exe)?[\"']?\s{1,4}[\w\"'/\-]"
        ),
        "The script starts an interpreter of commands or scripts.",
    ),
    Sign(
        "script-stays",
        re.compile(
            r"(?i)\\CurrentVersion\\{1,2}Run(?:Once)?\b|\bschtasks\b[^\r\n]{0,100}/create\b|\bRegister-ScheduledTask\b"
            r"|\\Start Menu\\{1,2}Programs\\{1,2}Startup\b"
        ),
        "The script has something started again with Windows.",
    ),
)
_APPLICATION = re.compile(r"(?i)<hta:application|<scriptlet\b|<\w{1,20}:script\b")
_RUN_BY_A_CLICK = (".hta", ".sct", ".wsc", ".xsl")


def judge(inspection: Inspection, text: str) -> None:
    text = text[:SEARCHED]
    plain, readable = clear(text), read_at_once(text)
    found: dict[str, str] = {}
    for sign in _SIGNS:
        if (match := sign.pattern.search(plain)) is None:
            continue
        found[sign.rule] = where = match[0].strip()
        inspection.tell(sign.rule, sign.says, where, "suspicious" if sign.bad else "unknown")
        if not (sign.pattern.search(text) or sign.pattern.search(readable)):
            says = "What it does is hidden from a reader: it is written in pieces, numbers or backwards."
            inspection.suspect("hidden-commands", says, where)
    _conclude(inspection, text, found)
    if plain != text:
        yara.scan(inspection.node, Content.of_bytes(plain.encode("utf-8", "replace")), where="as it is run")
        for url in urls.in_text(plain):
            inspection.link(url)


def _conclude(inspection: Inspection, text: str, found: dict[str, str]) -> None:
    starts = found.get(_STARTS.rule)
    if starts is None:
        return
    if (fetches := found.get(_FETCHES.rule)) is not None:
        says = "The script fetches something from a server and can start it."
        inspection.suspect("script-fetches-and-starts", says, f"{fetches}, {starts}")
    if inspection.node.name.lower().endswith(_RUN_BY_A_CLICK) or _APPLICATION.search(text):
        says = "A page or a style sheet that Windows runs with all rights of its user, and that starts programs."
        inspection.suspect("page-starts-programs", says, starts)
