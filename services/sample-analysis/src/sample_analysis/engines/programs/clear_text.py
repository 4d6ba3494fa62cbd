"""A script as its interpreter comes to see it: pieces joined, letters by number and variables read, as far as the text
alone tells. Each step goes over the text once and makes it little longer."""

import re

GROWS_BY = 2 * 1024 * 1024
_GAP = r"\s{0,16}"
_ESCAPE = re.compile(r"\\x([0-9A-Fa-f]{2})|\\u00([0-9A-Fa-f]{2})")
_CODES = re.compile(r"(?i)\bfromCharCode\s{0,4}\(([\d\s,]{1,200000})\)")
_CODE = re.compile(
    r"(?i)\bchrw?\$?\s{0,4}\(\s{0,4}(&h[0-9a-f]{1,4}|\d{1,5})&?\s{0,4}\)|\[char\]\s{0,4}(0x[0-9a-f]{1,4}|\d{1,5})"
)
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")
_TICK = re.compile(r"(?<=[A-Za-z])[`^](?=[A-Za-z])")
_FORMAT = re.compile(
    rf"[\"']((?:[^\"'\r\n{{}}]{{0,40}}\{{\d{{1,2}}\}}){{2,40}})[\"']\)?{_GAP}-f{_GAP}\(?"
    rf"((?:[\"'][^\"'\r\n]{{0,200}}[\"']{_GAP},{_GAP}){{1,40}}[\"'][^\"'\r\n]{{0,200}}[\"'])"
)
_PLACE = re.compile(r"\{(\d{1,2})\}")
_QUOTED = re.compile(r"[\"']([^\"'\r\n]{0,200})[\"']")
_JOINED = re.compile(rf"[\"']\)?{_GAP}[+&]{_GAP}_?{_GAP}\(?[\"']")
_SET = re.compile(r"(?im)(?:^|[&(|])[ \t@]{0,8}set[ \t]{1,4}\"?(\w{1,40})=([^\r\n\"&|]{0,1000})")
_VARIABLE = re.compile(r"%(\w{1,40})(?::~(-?\d{1,4})(?:,(-?\d{1,4}))?)?%")
_WHOLE_WORD = re.compile(r"(?<![\w%])%(\w{1,40})%(?![\w%])")
_TURNED = re.compile(
    r"(?i)llehs\.tpircsw|noitacilppa\.llehs|llehsrewop|//:s?ptth|(?:gnirts|elif|atad)daolnwod|noisserpxe-ekovni|ptthlmx"
)
_EVERY_WINDOWS = {"comspec": "C:\\Windows\\system32\\cmd.exe", "public": "C:\\Users\\Public", "os": "Windows_NT"}


def clear(text: str) -> str:
    text = _ESCAPE.sub(lambda found: _letter(found[1] or found[2], 16), text)
    text = _CODES.sub(lambda found: _quote("".join(_letter(code, 10) for code in found[1].split(","))), text)
    text = _CODE.sub(_by_number, text)
    text = _TICK.sub("", text)
    text = _FORMAT.sub(_formatted, text)
    text = _JOINED.sub("", text)
    if "unescape" in text:
        text = unescaped(text)
    text = _expanded(text)
    return f"{text}\n{text[::-1]}" if _TURNED.search(text) else text


def read_at_once(text: str) -> str:
    """As a person reads it who looks up its variables and reads on where a line is broken between words."""

    def joined(found: re.Match[str]) -> str:
        around = text[found.start() - 1 : found.start()] + text[found.end() : found.end() + 1]
        return "" if re.search(r"[\s/\\]", around) else found[0]

    return _expanded(_JOINED.sub(joined, text), _WHOLE_WORD)


def unescaped(text: str) -> str:
    return _PERCENT.sub(lambda found: _letter(found[1], 16), text)


def _letter(code: str, base: int) -> str:
    number = int(code, base) if code.strip() else 0
    return chr(number) if number < 0xD800 else "?"


def _by_number(found: re.Match[str]) -> str:
    code = (found[1] or found[2]).lower().replace("&h", "0x")
    return _quote(_letter(code, 16 if code.startswith("0x") else 10))


def _quote(text: str) -> str:
    return f'"{text}"'


def _formatted(found: re.Match[str]) -> str:
    pieces = _QUOTED.findall(found[2])
    text = _PLACE.sub(lambda place: pieces[int(place[1])] if int(place[1]) < len(pieces) else "", found[1])
    return _quote(text[: len(found[0])])  # one piece may stand in many places


def _expanded(text: str, variable: re.Pattern[str] = _VARIABLE) -> str:
    """The variables of a batch file, once: what they hold is not read again."""
    known = _EVERY_WINDOWS | {name.lower(): value for name, value in _SET.findall(text)}
    left = GROWS_BY

    def value(found: re.Match[str]) -> str:
        nonlocal left
        whole: str | None = known.get(found[1].lower())
        if whole is None or left <= 0:
            return str(found[0])
        if found.lastindex != 1:
            start, length = int(found[2]), found[3]
            whole = whole[start:]
            whole = whole[: int(length)] if length else whole
        left -= len(whole)
        return whole

    return variable.sub(value, text)
