"""Macros of Excel 4, which stand in cells: what they call, and whether they run by themselves."""

import re
from dataclasses import dataclass, field

from sample_analysis.engines.inspection import Inspection

# Functions by number ([MS-XLS] Ftab and Cetab) that reach out of the workbook or build text for such.
_CALLS = {
    53: "GOTO",
    96: "FORMULA",
    110: "EXEC",
    111: "CHAR",
    132: "FOPEN",
    137: "FWRITELN",
    149: "REGISTER",
    150: "CALL",
    17: "RUN",
}
_ACTS = {"EXEC", "CALL", "REGISTER", "FOPEN", "FWRITELN", "FORMULA.FILL", "SET.VALUE"}
_NAMED = re.compile(
    r"(?i)(?<![\w.])(EXEC|CALL|REGISTER|REGISTER\.ID|FOPEN|FWRITE|FWRITELN|FORMULA\.FILL|FORMULA|RUN|SET\.VALUE|URLMON)\s{0,4}\("
)
_TOKEN = re.compile(rb"[\x22\x42\x62][\x00-\x7f]([\x00-\xff][\x00-\x01])|[\x21\x41\x61]([\x00-\xff][\x00-\x01])")


@dataclass
class Sheets:
    macro: bool = False
    states: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)

    def formula(self, tokens: bytes) -> None:
        for match in _TOKEN.finditer(tokens[:8192]):
            number = int.from_bytes(match.group(1) or match.group(2), "little")
            if number in _CALLS:
                self.calls.add(_CALLS[number])

    def formula_text(self, text: str) -> None:
        self.calls.update(match.group(1).upper() for match in _NAMED.finditer(text[:8192]))

    def judge(self, inspection: Inspection) -> None:
        if not (self.macro or self.states):
            return
        where = ", ".join(self.states) or "macro sheet"
        inspection.tell("excel4-macros", "It holds a sheet with macros of Excel 4, which is long out of use.", where)
        if self.runs:
            says = "A macro of Excel 4 runs by itself when the workbook is opened or closed."
            inspection.tell("excel4-runs-by-itself", says, ", ".join(sorted(set(self.runs))))
        if acts := sorted(self.calls & _ACTS):
            says = "A macro of Excel 4 uses functions that start programs or write files."
            inspection.suspect("excel4-acts", says, ", ".join(acts))
        elif self.runs and any("hidden" in state for state in self.states):
            says = "A macro of Excel 4 that runs by itself stands in a sheet that is hidden."
            inspection.suspect("excel4-hidden", says, where)
