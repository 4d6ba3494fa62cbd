"""What is suspicious about a URL that nobody has rated, in words that a person can check. The numbers are data:
``suspicions.yaml``."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from caseway_contracts.results import Reason
from url_rating.canonical import CanonicalUrl
from url_rating.expressions import is_address, registrable_domain
from url_rating.lookalikes import Brands, latin, mixed_scripts, unicode_label
from url_rating.sources import UNTESTED

ENGINE = "url-rating"
# Labels in front of the registrable domain, those next to it.
LOOKED_AT = 8
IN_DOMAIN = "brand-in-domain"
# What is worth knowing about a URL that somebody has rated, too.
ALWAYS_SAID = frozenset({"address-host", "punycode-host", "mixed-script"})


class SuspicionData(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1)]
    enough: int
    start: Annotated[int, Field(alias="from", le=80)]
    lowest: Annotated[int, Field(gt=50)]
    points: dict[str, int]
    usual_ports: frozenset[str]
    most_labels: int
    lures: frozenset[str]
    programs: frozenset[str]
    risky_top_level_domains: frozenset[str]
    shorteners: frozenset[str]
    ordinary: frozenset[str]
    brands: tuple[tuple[str, ...], ...]

    @model_validator(mode="after")
    def what_is_suspected_is_never_untested(self) -> Self:
        if self.start - self.enough >= UNTESTED:
            raise ValueError(f"a URL that is suspicious enough must score below {UNTESTED}")
        return self


@dataclass(frozen=True, slots=True)
class Suspicion:
    """``score`` is None where what is said is not enough to suspect the URL of anything."""

    score: int | None
    reasons: tuple[Reason, ...]


class Heuristics:
    def __init__(self, data: SuspicionData) -> None:
        self._data = data
        self._own = {domain for domains in data.brands for domain in domains}
        self._brands = Brands((domains[0].partition(".")[0] for domains in data.brands), data.ordinary)
        self._named = {domains[0].partition(".")[0]: domains[0] for domains in data.brands}
        self.release = data.version
        self.version = str(data.version)

    def suspect(self, url: CanonicalUrl) -> Suspicion:
        found = dict(self._found(url))
        if found.keys() <= {"lure-in-path"}:
            found = {}
        points = sum(self._data.points[rule] for rule in found)
        score = max(self._data.lowest, self._data.start - points) if points >= self._data.enough else None
        reasons = (
            Reason(engine=ENGINE, version=self.version, rule=rule, where=url.host, says=says)
            for rule, says in found.items()
        )
        return Suspicion(score, tuple(reasons))

    def _found(self, url: CanonicalUrl) -> Iterator[tuple[str, str]]:
        data = self._data
        if url.user:
            if "." in url.user or registrable_domain(url.host) in self._own:
                yield "user-info-as-host", f"What stands before the @ looks like a host; the host is {url.host}."
            else:
                yield "user-info", f"A user name stands before the host, which is {url.host}."
        if url.port not in data.usual_ports:
            yield "unusual-port", f"It asks for port {url.port}."
        if is_address(url.host):
            yield "address-host", "The host is a bare address, not a name."
        else:
            yield from self._about_name(url)
        if url.path.rpartition(".")[2].casefold() in data.programs:
            yield "program", "It leads to a program or an image of a disk."

    def _about_name(self, url: CanonicalUrl) -> Iterator[tuple[str, str]]:
        data = self._data
        domain = registrable_domain(url.host) or url.host
        if domain in self._own:
            return
        name, _, suffix = domain.partition(".")
        above = url.host.removesuffix(domain).rstrip(".").split(".")[-LOOKED_AT:]
        yield from self._about_letters([*above, name], domain)
        yield from self._about_brands(name, domain, above)
        if domain in data.shorteners:
            yield "shortener", f"{domain} shortens links: where it leads is not in it."
        if suffix.rpartition(".")[2] in data.risky_top_level_domains:
            yield "risky-top-level-domain", f"Names under .{suffix.rpartition('.')[2]} are often abused."
        if url.host.count(".") - domain.count(".") > data.most_labels:
            yield "deep-subdomains", f"The host stands deep below {domain}."
        path = url.path.casefold()
        words = _words(path)
        if brand := next((one for one in self._named.values() if one in path), None):
            yield "brand-in-path", f"Its path names {brand}, its host does not."
        if words & data.lures:
            yield "lure-in-path", f"Its path asks for something: {', '.join(sorted(words & data.lures)[:3])}."

    def _about_letters(self, labels: list[str], domain: str) -> Iterator[tuple[str, str]]:
        shown = [unicode_label(label) for label in labels]
        if shown == labels:
            return
        name = ".".join(filter(None, [*shown, domain.partition(".")[2]]))
        yield "punycode-host", f"The host name is shown as {name}; compare it letter by letter."
        if scripts := next(filter(None, map(mixed_scripts, shown)), None):
            yield "mixed-script", f"It mixes letters of several scripts: {', '.join(map(str.title, scripts))}."
        for label in shown:
            plain = latin(label)
            if plain != label and (brand := plain if plain in self._brands.names else self._brands.looks_like(plain)):
                yield "brand-confusable", f"Its letters look like those of {self._named[brand]}, but it is {domain}."
                return

    def _about_brands(self, name: str, domain: str, above: list[str]) -> Iterator[tuple[str, str]]:
        data = self._data
        if brand := self._brands.looks_like(name):
            yield "brand-lookalike", f"{name} looks like {self._named[brand]}, but it is {domain}."
            return
        tokens = set(unicode_label(name).split("-"))
        if len(tokens) > 1 and (brand := self._brand_among(tokens)):
            rule, more = ("brand-with-lure", ", and asks for something") if tokens & data.lures else (IN_DOMAIN, "")
            yield rule, f"{domain} names {self._named[brand]}, which it is not{more}."
        words = {part for label in above for part in unicode_label(label).split("-")}
        if name not in self._brands.names and (brand := self._brand_among(words)):
            yield "brand-in-subdomain", f"It names {self._named[brand]} in front of {domain}, whose site it is."

    def _brand_among(self, words: set[str]) -> str | None:
        exact = sorted(words & self._brands.names)
        return exact[0] if exact else next(filter(None, map(self._brands.looks_like, sorted(words))), None)


def _words(path: str) -> set[str]:
    words = path.replace("-", "/").replace("_", "/").replace(".", "/").split("/")
    return {word for word in words if len(word) < 20}


@cache
def bundled() -> SuspicionData:
    return SuspicionData.model_validate(yaml.safe_load((files("url_rating") / "suspicions.yaml").read_text("utf-8")))
