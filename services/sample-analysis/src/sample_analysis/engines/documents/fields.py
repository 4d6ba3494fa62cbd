"""Fields in the text of Word up to 2003, where three control characters set them off."""

import re

from sample_analysis.engines.documents import dde, targets
from sample_analysis.engines.inspection import Inspection

_NARROW = re.compile(rb"\x13([^\x13\x14\x15\x00]{3,2000})[\x14\x15]")
_WIDE = re.compile(rb"\x13\x00((?:[^\x13\x14\x15\x00][\x00-\xff]){3,2000})[\x14\x15]\x00")
_INCLUDES = re.compile(
    r"(?i)^\s{0,20}(?:INCLUDE(?:TEXT|PICTURE)?|LINK)\s{1,20}(?:\\?[\w.]{1,60}\s{1,20})?\"?([^\"\s]{1,1000})"
)


def in_word(inspection: Inspection, stream: bytes) -> None:
    for pattern, encoding in ((_NARROW, "cp1252"), (_WIDE, "utf-16-le")):
        for match in pattern.finditer(stream):
            judge(inspection, match.group(1).decode(encoding, "replace"), f"field at {match.start()}")


def judge(inspection: Inspection, instruction: str, where: str) -> None:
    dde.field(inspection, instruction, where)
    if (found := _INCLUDES.match(instruction)) is not None:
        targets.judge(inspection, "field", found.group(1), where)
    elif instruction.strip().upper().startswith("HYPERLINK"):
        for word in instruction.split('"')[1:2]:
            targets.judge(inspection, "hyperlink", word, where)
