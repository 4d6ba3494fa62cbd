"""Reports write a bad URL so that nobody follows it by accident (``hxxp://evil[.]example``); this undoes that.

Each expression is tried once from left to right and repeats nothing that another of its parts could match as well, so
that no text costs more than its length.
"""

import re

_HTTP = re.compile(r"^(?:h(?:xx|\*\*|zz|tx|xt|t\*|__)p|hxp|xxp|meow)(?=s?(?:[:\[]|__))", re.IGNORECASE)
_FTP = re.compile(r"^f[x*]p(?=s?(?:[:\[]|__))", re.IGNORECASE)
_SEPARATORS = ("[:]//", "[:][//]", "[:][/][/]", "[:]\\\\", "[://]", "[:/]/", ":[//]", ":[/][/]", ":/[/]", ":__", "__")
_SEPARATOR = re.compile(rf"^(https?|ftps?)(?:{'|'.join(map(re.escape, _SEPARATORS))})", re.IGNORECASE)
_DOT = re.compile(r"\s?(?:[\[({<]\s?(?:[.,]|dot)\s?[\])}>]?|\.[\])}])\s?", re.IGNORECASE)
_COLON = re.compile(r"\[:\](?=\d)")
_AT = re.compile(r"\s?(?:\[at\]|\(at\)|\{at\}|\[@\]|\(@\))\s?", re.IGNORECASE)
_AUTHORITY = re.compile(r"^(?:[a-z][a-z0-9+.-]*:[/\\]{2})?[^/\\?#]*", re.IGNORECASE)
_FIRST_SLASH = re.compile(r"^((?:[a-z][a-z0-9+.-]*:[/\\]{2})?[^/\\?#\[]*(?:\[(?!/\])[^/\\?#\[]*)*)\[/\]", re.IGNORECASE)


def refang(url: str) -> str:
    """``url`` as it was before somebody defanged it; any other URL is returned as it is."""
    url = _SEPARATOR.sub(r"\1://", _FTP.sub("ftp", _HTTP.sub("http", url)))
    if not any(mark in url for mark in "[]()<>{}"):
        return url
    url = _FIRST_SLASH.sub(r"\1/", url)
    # Brackets and parentheses behind the host mean themselves.
    return _AUTHORITY.sub(lambda authority: _plain(authority[0]), url, count=1)


def _plain(authority: str) -> str:
    return _AT.sub("@", _COLON.sub(":", _DOT.sub(".", authority)))
