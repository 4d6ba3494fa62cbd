"""Reports write a bad URL so that nobody follows it by accident (``hxxp://evil[.]example``); this undoes that."""

import re

_HTTP = re.compile(r"^h(?:xx|\*\*)p(?=s?[:\[])", re.IGNORECASE)
_FTP = re.compile(r"^fxp(?=s?[:\[])", re.IGNORECASE)
_COLON = re.compile(r"^([a-z]{3,5})\[:(?://\]|\]//)", re.IGNORECASE)
_DOT = re.compile(r"\s?(?:\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\{dot\})\s?", re.IGNORECASE)
_AT = re.compile(r"\[at\]|\(at\)|\[@\]", re.IGNORECASE)
_AUTHORITY = re.compile(r"^(?:[a-z][a-z0-9+.-]*:[/\\]{2})?[^/\\?#]*", re.IGNORECASE)


def refang(url: str) -> str:
    """``url`` as it was before somebody defanged it; any other URL is returned as it is."""
    url = _FTP.sub("ftp", _HTTP.sub("http", url))
    if not any(mark in url for mark in "[({"):
        return url
    url = _COLON.sub(r"\1://", url)
    # Brackets and parentheses behind the host mean themselves.
    return _AUTHORITY.sub(lambda authority: _AT.sub("@", _DOT.sub(".", authority[0])), url, count=1)
