"""Words that would do or break something in some place of a page, a style, a script, a template or a query."""

import json
from pathlib import Path

HOSTILE = (
    "<script>window.pwned = 1</script>",
    "\"><img src=x onerror='window.pwned = 1'>",
    "'><svg/onload=window.pwned=1>",
    "</textarea></title><script>window.pwned=1</script>",
    "{{ 7 * 7 }} {% raw %} ${7*7} #{7*7} %s %(x)s {0} {name}",
    "javascript:window.pwned=1",
    "&lt;b&gt; &amp;amp; &#x3c;",
    "\\u003cscript\\u003e \\x3c \\0 \\n",
    "Zoë Łukasz 漢字 مرحبا \u202eabc\u202c 👩‍👩‍👧 e\u0301",
    "a\u200bb\u00adc\ufeffd",
    "' OR 1=1 -- \" ; $where {$ne: null}",
    '=HYPERLINK("x") +1 -1 @SUM',
)


def naughty(folder: Path) -> list[str]:
    """The naughty strings of a public list that a browser can send: no NUL, no half pairs."""
    strings: list[str] = json.loads((folder / "blns.json").read_text("utf-8"))
    return [text for text in dict.fromkeys(strings) if text.strip() and "\x00" not in text]
