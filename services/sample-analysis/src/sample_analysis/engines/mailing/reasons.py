"""What speaks for fraud in a mail, each with the place where a person can check it.

None of these decides alone but the few that no honest mail shows: each has a weight, and from ``SUSPICIOUS`` on they
make a verdict together.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sample_analysis.engines import urls
from sample_analysis.engines.mailing import brands, domains, pages, passwords, unwrapping

SUSPICIOUS = 4
_SHOWN_LINK = re.compile(
    r"(?i)^(?:https?://|www\.)?([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8})(?::\d{1,5})?(?:[/?#]\S{0,2000})?$"
)
_URGENT = re.compile(
    r"(?i)\b(urgent|immediately|immediate action|action required|final notice|last warning|suspended|verify your"
    r"|account (?:locked|limited|blocked)|overdue|payment (?:failed|required)|wire transfer|gift cards?|dringend"
    r"|letzte mahnung|sofort handeln|konto (?:gesperrt|eingeschränkt)|überweisung|urgente|compte suspendu)\b"
)
_ZERO_FONT = re.compile(r"(?i)font-size\s{0,8}:\s{0,8}0(?:px|pt|em|%)?\s{0,8}[;\"'}]")
_ZERO_WIDTH = re.compile("[\u200b-\u200d\u2060\ufeff]")
_NUMERIC_HOST = re.compile(
    r"(?i)^[a-z]{3,5}://(?:[^/@]{1,500}@)?(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]|0x[0-9a-f]+|\d{8,10})(?=[:/?#]|$)"
)
_USER_IN_LINK = re.compile(r"^[a-zA-Z]{3,5}://[^/?#@]{0,500}\.[^/?#@]{1,500}@")
_FREE_MAIL = frozenset(
    (
        "gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "gmx.de", "gmx.net", "web.de", "mail.ru", "yandex.ru",
        "proton.me", "protonmail.com", "aol.com", "icloud.com", "live.com", "qq.com", "163.com", "t-online.de",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Sign:
    rule: str
    says: str
    weight: int
    where: str = ""


@dataclass
class Words:
    """What of a mail is looked at, gathered while its parts go by."""

    sender: str = ""
    subject: str = ""
    reply_to: tuple[str, ...] = ()
    authentication: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    has_archive: bool = False


def signs(words: Words) -> Iterator[Sign]:
    yield from _of_sender(words)
    yield from _of_authentication(words)
    yield from _of_links(words)
    for page in words.pages:
        if pages.asks_for_password(page):
            yield Sign("credential-form-in-mail", "The mail itself asks for a password in a form.", 3, "HTML body")
        if len(_ZERO_FONT.findall(page[: urls.SEARCHED])) >= 3:
            yield Sign(
                "hidden-text", "Letters of size zero break words up so that filters do not see them.", 2, "HTML body"
            )
    if match := _URGENT.search(words.subject[:1000]):
        yield Sign("urgent-subject", f"The subject presses: “{match.group(1)}”.", 1, "Subject")
    if _ZERO_WIDTH.search(words.subject) or _ZERO_WIDTH.search(words.sender):
        yield Sign(
            "invisible-letters", "Letters that nobody sees stand in the subject or the sender's name.", 1, "header"
        )
    if words.has_archive and passwords.named(words.texts):
        yield Sign("password-in-mail", "The mail tells the password of an archive that is attached to it.", 2, "body")


def _of_sender(words: Words) -> Iterator[Sign]:
    shown, _, address = words.sender.rpartition("<")
    host = address.rstrip("> ").rpartition("@")[2].lower()
    own = domains.registered(host)
    if not own:
        return
    pretends = False
    for other in domains.addresses_in(shown):
        if domains.registered(other) != own:
            pretends = True
            says = f"The sender's name shows an address of {other}, the address itself is of {own}."
            yield Sign("name-shows-other-address", says, 3, "From")
            break
    brand = brands.named(shown)
    if brand and not brands.owns(brand, own) and brand.replace(" ", "") not in own.replace("-", ""):
        yield Sign("name-of-a-brand", f"The sender calls itself {brand}, its address is of {own}.", 2, "From")
    if imitated := brands.imitated(own):
        yield Sign("look-alike-sender", f"The sender's domain {own} is written like {imitated}.", 4, "From")
    for reply in words.reply_to:
        other = domains.registered(domains.of_person(reply))
        if other and other != own:
            weight = 2 if other in _FREE_MAIL and own not in _FREE_MAIL else int(pretends)
            yield Sign("reply-goes-elsewhere", f"Answers go to {other}, the sender is of {own}.", weight, "Reply-To")
            break


def _of_authentication(words: Words) -> Iterator[Sign]:
    by = words.authentication.get("by") or "the mail"
    for method, weight in (("dmarc", 3), ("spf", 1), ("dkim", 1)):
        if words.authentication.get(method) == "fail":
            yield Sign(
                f"{method}-failed", f"{by} states that {method.upper()} failed.", weight, "Authentication-Results"
            )


def _of_links(words: Words) -> Iterator[Sign]:
    own = domains.registered(domains.of_person(words.sender))
    told = set()
    for page in words.pages:
        for anchor in urls.anchors(page):
            if (sign := _claim(anchor, own)) and sign.rule not in told:
                told.add(sign.rule)
                yield sign
    for url in words.links:
        for sign in _of_link(url):
            if sign.rule not in told:
                told.add(sign.rule)
                yield sign


def _claim(anchor: urls.Anchor, own: str) -> Sign | None:
    """A link whose words are an address of another place; a sender's own counter between them is no fraud."""
    match = _SHOWN_LINK.match(_ZERO_WIDTH.sub("", anchor.shown))
    if match is None or not domains.is_known(match.group(1)):
        return None
    *_, target = [anchor.target, *unwrapping.layers(anchor.target)]
    shown, real = domains.registered(match.group(1)), domains.registered(domains.of_url(target))
    if not real or shown == real:
        return None
    weight = 1 if real == own else 2
    return Sign("link-says-otherwise", f"A link shows {shown} and leads to {real}.", weight, anchor.shown[:200])


def _of_link(url: str) -> Iterator[Sign]:
    if _NUMERIC_HOST.match(url):
        yield Sign("link-to-a-number", "A link leads to a bare address instead of a name.", 1, url[:200])
    if _USER_IN_LINK.match(url):
        yield Sign(
            "name-before-host", "A link shows one name before an @ and leads to the one behind it.", 2, url[:200]
        )
    if imitated := brands.imitated(domains.registered(domains.of_url(url))):
        yield Sign("look-alike-link", f"A link leads to a domain that is written like {imitated}.", 4, url[:200])
