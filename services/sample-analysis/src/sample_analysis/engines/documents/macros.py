"""What the text of a macro says that it does, and whether its p-code says the same."""

import re
from collections.abc import Iterable, Iterator

from caseway_kit.archives import Content
from sample_analysis.engines import urls, yara
from sample_analysis.engines.documents.vba import Module
from sample_analysis.engines.inspection import Inspection

SEARCHED = 1024 * 1024

_BY_ITSELF = re.compile(
    r"(?i)\b(?:Auto_?(?:Open|Exec|Close|Exit|New)|Document_?(?:Open|Close|New|BeforeClose|ContentControlOnEnter)"
    r"|Workbook_?(?:Open|Activate|BeforeClose|Close|Deactivate)|Presentation_?Open|Slide_?ShowBegin"
    r"|\w{1,40}_(?:Layout|Resize|Painting|GotFocus|MouseMove|DocumentComplete|DownloadComplete|FileDownload"
    r"|NavigateComplete2|BeforeNavigate2))\s{0,4}\("
)
_PROGRAMS = re.compile(
    r"(?i)\bShell(?:Execute(?:Ex)?A?|Browser)?\b[ (]|WScript\.Shell|Shell\.Application|Win32_Process\b"
    r"|\bcmd(?:\.exe)?\s{1,4}/"
    r"|\bpowershell\b|\bmshta\b|\brundll32\b|\bregsvr32\b|\bMacScript\s{0,4}\(|\bAppleScriptTask\b|\bSchedule\.Service\b"
)
_FETCHES = re.compile(
    r"(?i)\bURLDownloadToFile|\bInternetOpenUrl|MSXML2\.(?:Server)?XMLHTTP|Microsoft\.XMLHTTP|WinHttp\.WinHttpRequest"
    r"|\bInternetReadFile|\bSystem\.Net\.WebClient\b|\bbitsadmin\b|\bcertutil\b"
)
_MEMORY = re.compile(
    r"(?i)\b(?:VirtualAlloc(?:Ex)?|VirtualProtect(?:Ex)?|RtlMoveMemory|WriteProcessMemory|NtWriteVirtualMemory"
    r"|CreateRemoteThread|CreateThread|EnumSystemLocalesA|HeapCreate)\b"
)
_WRITES = re.compile(
    r"(?i)\bSaveToFile\b|\bFor\s{1,4}(?:Output|Binary|Append)\b|\.CreateTextFile\b|\bFileCopy\b|\bCopyFile\b|\bADODB\.Stream\b"
)
_HIDES = re.compile(r"(?i)\bStrReverse\s{0,4}\(|\bXor\b|\bCallByName\s{0,4}\(|\bExecuteGlobal\b")
_LETTERS = re.compile(r"(?i)\bChr[WB]?\$?\s{0,4}\(\s{0,4}(?:&H)?[0-9A-F]{1,5}\s{0,4}\)")
_CREATES = re.compile(r"(?i)\b(?:CreateObject|GetObject)\s{0,4}\(\s{0,4}(?!\s{0,4}\")")
_GROUPS = (
    ("macro-starts-programs", _PROGRAMS, "The macro can start programs."),
    ("macro-fetches-files", _FETCHES, "The macro can fetch files from a server."),
    ("macro-writes-memory", _MEMORY, "The macro calls functions of Windows that place code into memory."),
    ("macro-writes-files", _WRITES, "The macro can write files."),
    ("macro-hides-text", _HIDES, "The macro uses functions by which texts can be hidden from a reader."),
)
_ACTIVE = ("macro-starts-programs", "macro-fetches-files", "macro-writes-memory")
# Names that stay readable in p-code; a source without them is not the source of that p-code.
_IN_CACHE = re.compile(
    rb"(?i)WScript\.Shell|Shell\.Application|powershell|URLDownloadToFile|XMLHTTP|WinHttpRequest|VirtualAlloc"
    rb"|CreateRemoteThread|cmd\.exe|mshta|rundll32|regsvr32|ADODB\.Stream"
)


def judge(inspection: Inspection, found: Iterable[Module]) -> None:
    """Tells of all modules together: a macro that runs by itself often calls one that does the work."""
    modules = list(found)
    if not modules:
        return
    names = ", ".join(module.name for module in modules)
    inspection.tell("macros", f"It holds macros: {len(modules)} modules of VBA.", names)
    runs = _first(modules, _BY_ITSELF)
    if runs:
        inspection.tell("macro-runs-by-itself", "A macro runs by itself when the document is used.", runs)
    told = set()
    for rule, pattern, says in _GROUPS:
        if (where := _first(modules, pattern)) is not None:
            told.add(rule)
            inspection.tell(rule, says, where)
    if (pieces := _in_letters(modules)) is not None:
        told.add("macro-hides-text")
        inspection.tell("macro-hides-text", "The macro builds texts out of the numbers of their letters.", pieces)
    _conclude(inspection, modules, runs, told)
    for module in modules:
        _compare(inspection, module)
        _scan(inspection, module)


def _conclude(inspection: Inspection, modules: list[Module], runs: str | None, told: set[str]) -> None:
    if runs is None:
        return
    acts = [rule for rule in _ACTIVE if rule in told]
    if acts:
        says = "A macro that runs by itself, in a document whose macros start programs, fetch files or place code."
        inspection.suspect("macro-acts-by-itself", says, runs)
    elif "macro-hides-text" in told and (hidden := _first(modules, _CREATES)) is not None:
        says = "A macro that runs by itself and uses an object whose name it hides."
        inspection.suspect("macro-acts-hidden", says, hidden)


def _first(modules: list[Module], pattern: re.Pattern[str]) -> str | None:
    for module, line, number in _lines(modules):
        if match := pattern.search(line):
            return f"{module.name} line {number}: {match.group().strip()}"
    return None


def _lines(modules: list[Module]) -> Iterator[tuple[Module, str, int]]:
    for module in modules:
        for number, line in enumerate(module.source[:SEARCHED].splitlines(), start=1):
            text = line.strip()
            if text and not text.startswith(("'", "Attribute ", "Rem ")):
                yield module, line[:2000], number


def _in_letters(modules: list[Module]) -> str | None:
    for module in modules:
        count = sum(1 for _ in _LETTERS.finditer(module.source[:SEARCHED]))
        if count > 20:
            return f"{module.name}: {count} letters by number"
    return None


def _compare(inspection: Inspection, module: Module) -> None:
    """Stomping: the source that a person reads was replaced, the p-code that runs was kept."""
    only_cached = sorted(
        {
            text
            for match in _IN_CACHE.finditer(module.cache[:SEARCHED])
            if (text := match.group().decode("ascii").lower()) not in module.source.lower()
        }
    )
    if only_cached:
        says = "The p-code of the macro names what its readable source does not: the source was replaced."
        inspection.suspect("macro-stomped", says, f"{module.name}: {', '.join(only_cached)}")
    elif not module.source.strip() and len(module.cache) > 2048:
        says = "The macro has p-code that runs but no source that a person could read."
        inspection.suspect("macro-stomped", says, f"{module.name}: {len(module.cache):,} bytes of p-code")


def _scan(inspection: Inspection, module: Module) -> None:
    text = module.source[:SEARCHED]
    yara.scan(inspection.node, Content.of_bytes(text.encode("utf-8", "replace")), where=f"macro {module.name}"[:200])
    for url in urls.in_text(text):
        inspection.link(url)
