"""Whether a typed URL is one that a browser could open; what it is rated as is url-rating's to say."""

import re

import can_ada

SCHEMES = ("http:", "https:", "ftp:")

# Defanged spellings are welcome: hxxp://bad[.]example is how people mail such URLs to one another.
_DEFANGED = ((re.compile(r"^h(?:xx|\*\*)p", re.I), "http"), (re.compile(r"\s?(?:\[\.\]|\(\.\)|\[dot\])\s?", re.I), "."))
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.I)
_HOST_AND_PORT = re.compile(r"[a-z0-9.-]+:\d{1,5}(?:[/?#]|$)", re.I)


def check_url(url: str) -> str | None:
    """What is wrong with it, None where nothing is."""
    text = url.strip()
    for pattern, plain in _DEFANGED:
        text = pattern.sub(plain, text)
    text = re.sub(r"^([a-z]{3,5})\[:(?://\]|\]//)", r"\1://", text, flags=re.I)
    if text.startswith(("//", "\\\\")):
        text = f"http:{text}"
    elif not _SCHEME.match(text) or _HOST_AND_PORT.match(text):
        text = f"http://{text}"
    try:
        parsed = can_ada.parse(text)
    except (ValueError, UnicodeError):
        return "No browser would open this URL."
    if parsed.protocol not in SCHEMES:
        return "URLs of this scheme are not rated."
    return None if parsed.hostname.strip(".") else "The URL has no host name."
