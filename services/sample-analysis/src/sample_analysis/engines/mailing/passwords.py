"""Words of a mail that may open the archive in it."""

import re
from collections.abc import Iterable, Iterator

WORDS = 30
_SEARCHED = 200_000
_NAMED = re.compile(
    r"(?i)(?:\b(?:passwords?|passwort|kennwort|passcode|passphrase|pwd|pw|pass|pin|mot de passe|contrase(?:ñ|n)a|clave"
    r"|senha|wachtwoord|parola|has[łl]o|lösenord|adgangskode|heslo)\b|пароль|密码|密碼|パスワード|비밀번호)"
    r"[^\S\r\n]{0,8}(?:(?:is|ist|lautet|est|es|é|è|to open[^:\r\n]{0,60}|for[^:\r\n]{0,60}|für[^:\r\n]{0,60})"
    r"[^\S\r\n]{0,8})?[:=\uff1a]?\s{0,8}([^\s<>]{3,64})"
)
_CODE = re.compile(
    r"(?<![^\s:\"'(])(?=[^\s]{0,19}\d)(?=[^\s]{0,19}[A-Za-z])([A-Za-z0-9!@#$%&*_+-]{4,20})(?![^\s.,;\"')])"
)
_AROUND = "\"'“”„«»\u2018\u2019()[]{}<>,;"
_NO_PASSWORDS = frozenset(
    ("the", "and", "for", "your", "you", "protected", "reset", "with", "has", "was", "will", "wurde")
)


def named(texts: Iterable[str]) -> list[str]:
    """Those that the mail itself calls a password."""
    found = (word for text in texts for match in _NAMED.finditer(text[:_SEARCHED]) for word in _ways(match.group(1)))
    return [word for word in dict.fromkeys(found) if word.lower() not in _NO_PASSWORDS][:WORDS]


def guesses(texts: list[str]) -> tuple[str, ...]:
    """Those first, then what is written as passwords often are."""
    codes = (match.group(1) for text in texts for match in _CODE.finditer(text[:_SEARCHED]))
    return tuple(dict.fromkeys((*named(texts), *codes)))[:WORDS]


def _ways(word: str) -> Iterator[str]:
    """Without the quotes around it, and without what ends a sentence behind it too."""
    bare = word.strip(_AROUND)
    for way in (bare, bare.rstrip(".!?:"), bare.rstrip(".!?:" + _AROUND)):
        if len(way) >= 3:
            yield way
