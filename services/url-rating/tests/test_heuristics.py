from collections.abc import Iterator
from pathlib import Path

import pytest

from caseway_kit.testing.corpora import corpora
from url_rating.canonical import FOUND_LIMIT, InvalidUrl, canonicalize
from url_rating.heuristics import Heuristics, SuspicionData, bundled

# Lists of sites that people know and use; what else stands on them is said beside the number.
WELL_KNOWN = {"bank": 1, "press": 0, "liste_bu": 0, "webmail": 0, "social_networks": 1, "shopping": 1, "sports": 0}
SAMPLED = 4_000


@pytest.fixture
def ut1() -> Path:
    folder = corpora().parent / "data" / "ut1"
    if not folder.is_dir():
        pytest.skip(f"the lists are not at {folder}")
    return folder


def names(path: Path) -> Iterator[str]:
    lines = path.read_text("utf-8", "replace").split()
    yield from lines[:: max(1, len(lines) // SAMPLED)]


def rules(heuristics: Heuristics, url: str) -> tuple[int | None, list[str]]:
    suspicion = heuristics.suspect(canonicalize(url))
    return suspicion.score, [reason.rule for reason in suspicion.reasons]


@pytest.mark.parametrize(
    ("url", "score", "expected"),
    [
        ("http://paypa1.example/", 58, ["brand-lookalike"]),
        ("http://rnicrosoft.com/", 58, ["brand-lookalike"]),
        ("http://amazn.com/", 58, ["brand-lookalike"]),
        ("http://gogole.com/", 58, ["brand-lookalike"]),
        ("http://p\u0430ypal.com/", 51, ["punycode-host", "mixed-script", "brand-confusable"]),
        ("http://\u0430\u0440\u0440\u04cf\u0435.com/", 51, ["punycode-host", "brand-confusable"]),
        ("http://paypal.com.login.example/", 62, ["brand-in-subdomain"]),
        ("http://paypal-login.example/", 64, ["brand-with-lure"]),
        ("http://my-paypal.example/", None, ["brand-in-domain"]),
        ("http://my-paypal.top/", 68, ["brand-in-domain", "risky-top-level-domain"]),
        ("http://shop.example/paypal.com/login", None, ["brand-in-path", "lure-in-path"]),
        ("http://paypal.com@evil.example/", 58, ["user-info-as-host"]),
        ("http://somebody:secret@evil.example/", 68, ["user-info"]),
        ("http://somebody@www.paypal.com/", 58, ["user-info-as-host"]),
        ("http://192.0.2.1/", None, ["address-host"]),
        ("http://192.0.2.1:8081/a.exe", 63, ["unusual-port", "address-host", "program"]),
        ("http://[2001:db8::1]/", None, ["address-host"]),
        ("http://a.b.c.d.e.f.example.com/", None, ["deep-subdomains"]),
        ("https://bit.ly/x", None, ["shortener"]),
        ("https://b\u00fccher.example/", None, ["punycode-host"]),
        ("http://www.paypal.com/signin", None, []),
        ("https://login.microsoftonline.com:8443/", None, []),
        ("https://www.amazon.de/login", None, []),
        ("https://shop.example/account/verify", None, []),
        ("https://cloud.finance.example/", None, []),
        ("https://\u65e5\u672c\u8a9e\u30c6\u30b9\u30c8abc.example/", None, ["punycode-host"]),
    ],
)
def test_what_is_suspicious_says_why(heuristics: Heuristics, url: str, score: int | None, expected: list[str]) -> None:
    assert rules(heuristics, url) == (score, expected)


def test_reasons_name_the_brand_and_the_real_host(heuristics: Heuristics) -> None:
    [reason] = heuristics.suspect(canonicalize("http://paypal.com.login.example/x")).reasons
    assert reason.says == "It names paypal.com in front of login.example, whose site it is."
    assert (reason.engine, reason.version) == ("url-rating", heuristics.version)
    assert reason.where == "paypal.com.login.example"


def test_however_much_is_wrong_the_score_is_bounded(heuristics: Heuristics) -> None:
    url = "http://a.b.com@paypal.com.xn--pypal-4ve.a.b.c.d.e.paypa1-login.zip:1/paypal.com/login.exe"
    suspicion = heuristics.suspect(canonicalize(url))
    assert suspicion.score == bundled().lowest == 51
    assert len(suspicion.reasons) > 5


@pytest.mark.parametrize(("category", "alarms"), WELL_KNOWN.items())
def test_well_known_sites_raise_next_to_no_alarm(heuristics: Heuristics, ut1: Path, category: str, alarms: int) -> None:
    suspected = [
        name for name in names(ut1 / category / "domains") if heuristics.suspect(canonicalize(name)).score is not None
    ]
    assert len(suspected) <= alarms, suspected


def test_every_entry_of_the_lists_is_judged(heuristics: Heuristics, ut1: Path) -> None:
    judged = 0
    for path in (ut1 / "phishing" / "urls", ut1 / "malware" / "urls"):
        for url in names(path):
            try:
                suspicion = heuristics.suspect(canonicalize(url, limit=FOUND_LIMIT))
            except InvalidUrl:
                continue
            judged += 1
            assert suspicion.score is None or bundled().lowest <= suspicion.score < 71
    assert judged > 7_000


@pytest.mark.parametrize(
    "url",
    [
        "http://" + "paypal." * 8_000 + "example/",
        "http://" + "a-" * 30_000 + ".example/",
        "http://evil.example/" + "paypal.com/" * 5_000,
        "http://evil.example/" + "verify-" * 9_000,
        "http://" + "\u0430" * 20 + "." + "\u0435" * 20 + ".example/",
        "http://" + "a@" * 30_000 + "evil.example/",
    ],
)
def test_hostile_host_is_judged_like_any_other(heuristics: Heuristics, url: str) -> None:
    suspicion = heuristics.suspect(canonicalize(url, limit=FOUND_LIMIT))
    assert len(suspicion.reasons) <= len(bundled().points)


def test_suspicion_can_not_be_what_means_untested() -> None:
    data = bundled().model_dump(by_alias=True)
    with pytest.raises(ValueError, match="71"):
        SuspicionData.model_validate({**data, "from": 80})


def test_a_brands_own_domains_raise_no_alarm(heuristics: Heuristics) -> None:
    for domains in bundled().brands:
        for domain in domains:
            assert rules(heuristics, f"https://www.{domain}/login") == (None, []), domain
