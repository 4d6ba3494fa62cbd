"""Kinds of text: by how it begins or by its words; where those say nothing, by its name."""

import re

# How a text begins, in lower case, after white space.
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"-----begin pgp public key", "application/pgp-keys"),
    (b"-----begin pgp private key", "application/pgp-keys"),
    (b"-----begin pgp message", "application/pgp-encrypted"),
    (b"-----begin pgp sign", "application/pgp-signature"),
    (b"-----begin ", "application/x-pem-file"),
    (b"ssh-rsa ", "application/x-pem-file"),
    (b"ssh-ed25519 ", "application/x-pem-file"),
    (b"web\r\n1\r\n", "text/x-ms-iqy"),
    (b"web\n1\n", "text/x-ms-iqy"),
    (b"id;p", "text/x-sylk"),
    (b"begin:vcard", "text/vcard"),
    (b"begin:vcalendar", "text/calendar"),
    (b"webvtt", "text/vtt"),
)
_ROOTS: tuple[tuple[bytes, str], ...] = (
    (b"<!doctype plist", "application/x-plist"),
    (b"<plist", "application/x-plist"),
    (b"<jnlp", "application/x-java-jnlp-file"),
    (b"<rss", "application/rss+xml"),
    (b"<rdf:rdf", "application/rdf+xml"),
)
_WORDS: tuple[tuple[re.Pattern[bytes], int, str], ...] = (
    (re.compile(rb"(?m)^\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}"), 1, "application/x-subrip"),
    (re.compile(rb"(?m)^(?:private |global ){0,2}rule \w{1,128}|^ {0,8}\t?condition ?:"), 2, "text/x-yara"),
    (re.compile(rb"(?m)^\.(?:class|super|method|field|source|registers|end method)\b"), 3, "text/x-smali"),
    (re.compile(rb"\{% ?(?:extends|block|endblock|macro|include|import) "), 1, "text/x-jinja"),
    (re.compile(rb"\{% ?(?:set|for|endfor|if|endif) |\{\{ ?\w"), 2, "text/x-template"),
)
_SCRIPTS: tuple[tuple[re.Pattern[bytes], int, str], ...] = (
    (
        re.compile(
            rb"(?m)^(?:import [\w.]{1,80}(?: as \w{1,40})?\r?$|from [\w.]{1,80} import "
            rb"|def \w{1,80}\(|class \w{1,80}[(:]"
            rb"|if __name__ ==|@\w{1,40}\r?$|async def )"
        ),
        2,
        "text/x-python",
    ),
    (
        re.compile(
            rb"(?im)^ {0,8}(?:\$[\w:]{1,60} {0,4}= {0,4}(?:new-|get-|\[)|param ?\(|(?:function|filter) [a-z]{1,20}-\w"
            rb"|(?:get|set|new|invoke|import|write|start|add|remove|out)-[a-z]{3,40}\b)"
        ),
        2,
        "text/x-powershell",
    ),
    (
        re.compile(
            rb"(?im)^ {0,8}(?:on error resume next|option explicit|end (?:sub|function|if)\r?$"
            rb"|set \w{1,60} ?= ?createobject|dim \w{1,60}\r?$|wscript\.)"
        ),
        2,
        "text/x-vbscript",
    ),
    (
        re.compile(
            rb"(?im)^ {0,8}(?:@?echo off|setlocal\b|rem |goto :?\w|if (?:not )?exist |set \w{1,40}=|:\w{1,40}\r?$)"
        ),
        3,
        "text/x-msdos-batch",
    ),
    (
        re.compile(
            rb"(?m)^ {0,8}(?:(?:var|let|const) \w{1,60} ?= |function \w{0,60}\(|\w{1,60}\.\w{1,60}\(.{0,200}\);\r?$)"
            rb"|=> ?\{|\bfunction ?\(|\bdocument\.\w|\beval\("
        ),
        6,
        "text/javascript",
    ),
)
_JSON = re.compile(rb"\s{0,1000}(?:\{\s{0,1000}(?:\"[^\"\n]{0,200}\"\s{0,100}:|\})|\[\s{0,1000}[\[{\"\d\]tfn-])")

_BY_NAME: dict[str, str] = {
    "css": "text/css",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "j2": "text/x-jinja",
    "jinja": "text/x-jinja",
    "twig": "text/x-twig",
    "yml": "text/x-yaml",
    "yaml": "text/x-yaml",
    "toml": "text/x-toml",
    "ini": "text/x-ini",
    "conf": "text/x-ini",
    "json": "application/json",
    "srt": "application/x-subrip",
    "smali": "text/x-smali",
    "rs": "text/x-rust",
    "swift": "text/x-swift",
    "ts": "text/x-typescript",
    "tsx": "text/x-typescript",
    "c": "text/x-c",
    "h": "text/x-c",
    "cpp": "text/x-c++",
    "cs": "text/x-csharp",
    "java": "text/x-java",
    "go": "text/x-go",
    "kt": "text/x-kotlin",
    "sql": "text/x-sql",
    "tex": "text/x-tex",
    "log": "text/x-log",
    "yar": "text/x-yara",
    "yara": "text/x-yara",
    "gitignore": "text/x-ignore-file",
    "dockerignore": "text/x-ignore-file",
    "ignorefile": "text/x-ignore-file",
}
_SCRIPT_NAMES: dict[str, str] = {
    "py": "text/x-python",
    "pyw": "text/x-python",
    "ps1": "text/x-powershell",
    "psm1": "text/x-powershell",
    "vbs": "text/x-vbscript",
    "js": "text/javascript",
    "jse": "text/javascript",
    "mjs": "text/javascript",
    "bat": "text/x-msdos-batch",
    "cmd": "text/x-msdos-batch",
    "sh": "text/x-shellscript",
    "php": "text/x-php",
    "rb": "text/x-ruby",
    "pl": "text/x-perl",
    "lua": "text/x-lua",
}


def script_kind(head: bytes, name: str) -> str:
    """Which language a script is in."""
    return _SCRIPT_NAMES.get(_extension(name)) or _by_words(_SCRIPTS, head) or "text/x-script"


def text_kind(head: bytes, name: str) -> str:
    start = head.lstrip()[:256].lower()
    for beginning, mime in _BEGINNINGS:
        if start.startswith(beginning):
            return mime
    if _JSON.match(head) and _extension(name) not in ("md", "ini", "j2", "twig"):
        return "application/json"
    named = _BY_NAME.get(_extension(name))
    return named or _by_words((*_WORDS, *_SCRIPTS), head) or "text/plain"


def xml_kind(head: bytes) -> str:
    beginning = head[:4096].lower()
    return next((mime for root, mime in _ROOTS if root in beginning), "text/xml")


def _by_words(table: tuple[tuple[re.Pattern[bytes], int, str], ...], head: bytes) -> str | None:
    for words, needed, mime in table:
        if sum(1 for _, _ in zip(words.finditer(head), range(needed), strict=False)) >= needed:
            return mime
    return None


def _extension(name: str) -> str:
    base = re.split(r"[\\/]", name)[-1].rstrip(". ").lower()
    return base.rpartition(".")[2] if "." in base else ""
