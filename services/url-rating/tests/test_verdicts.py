from datetime import UTC, datetime

import pytest

from url_rating.canonical import canonicalize
from url_rating.expressions import digest, expressions
from url_rating.lists import Match
from url_rating.verdicts import Judgement, Verdicts


def known(expression: str, score: int, *categories: int, source: str = "ut1", override: bool = False) -> Match:
    return Match(digest(expression), score, categories, source, "2026-08", override)


def judged(verdicts: Verdicts, url: str, *matches: Match) -> Judgement:
    canonical = canonicalize(url)
    return verdicts.judge(canonical, expressions(canonical), list(matches))


@pytest.mark.parametrize(
    ("score", "rating"),
    [
        (0, "dangerous"),
        (49, "dangerous"),
        (50, "dangerous"),
        (51, "highly-suspicious"),
        (65, "highly-suspicious"),
        (66, "suspicious"),
        (70, "suspicious"),
        (71, "untested"),
        (72, "suspicious"),
        (80, "suspicious"),
        (81, "safe"),
        (100, "safe"),
    ],
)
def test_score_lies_in_its_band(verdicts: Verdicts, score: int, rating: str) -> None:
    assert verdicts.rating(score) == rating


@pytest.mark.parametrize("rating", ["safe", "suspicious", "highly-suspicious", "dangerous", "untested"])
def test_a_rating_without_a_score_gets_one_of_its_band(verdicts: Verdicts, rating: str) -> None:
    assert verdicts.rating(verdicts.score(rating)) == rating  # type: ignore[arg-type]  # parametrized by name


def test_most_specific_known_expression_wins(verdicts: Verdicts) -> None:
    judgement = judged(
        verdicts,
        "http://shop.example.com/evil/page",
        known("example.com/", 90, 58),
        known("shop.example.com/evil/", 49, 75),
        known("example.com/evil/", 20, 91),
    )
    assert (judgement.rating, judgement.score) == ("dangerous", 49)
    assert [category.name for category in judgement.categories] == ["Phishing"]
    [reason] = judgement.reasons
    assert (reason.engine, reason.version, reason.rule) == ("ut1", "2026-08", "listed")
    assert reason.where == "shop.example.com/evil/"
    assert reason.says == "The list ut1 has it under Phishing."


def test_worst_of_several_lists_decides_and_all_are_named(verdicts: Verdicts) -> None:
    judgement = judged(
        verdicts, "http://example.com/", known("example.com/", 90, 58), known("example.com/", 49, 75, source="own")
    )
    assert judgement.score == 49
    assert {category.id for category in judgement.categories} == {58, 75}
    assert {reason.engine for reason in judgement.reasons} == {"ut1", "own"}


def test_analyst_outranks_lists_on_the_same_expression_only(verdicts: Verdicts) -> None:
    matches = (
        known("example.com/", 90, override=True),
        known("example.com/", 49, 75),
        known("example.com/evil", 49, 75),
    )
    assert judged(verdicts, "http://example.com/", *matches).rating == "safe"
    assert judged(verdicts, "http://example.com/evil", *matches).rating == "dangerous"


def test_account_outranks_analysts_and_the_later_analyst_the_earlier(verdicts: Verdicts) -> None:
    def override(score: int, source: str, day: int) -> Match:
        at = datetime(2026, 3, day, tzinfo=UTC)
        return Match(digest("example.com/"), score, (), source, "2026-03", True, at, "We know it.")

    earlier, later, own = override(49, "analysts", 1), override(90, "analysts", 3), override(60, "account", 2)
    assert judged(verdicts, "http://example.com/", later, earlier).score == 90
    judgement = judged(verdicts, "http://example.com/", own, later, earlier)
    assert judgement.score == 60
    assert [reason.says for reason in judgement.reasons] == ["Your account decided how this URL is rated: We know it."]


def test_unknown_url_is_untested(verdicts: Verdicts) -> None:
    judgement = judged(verdicts, "http://nowhere.example/")
    assert (judgement.rating, judgement.score, judgement.reasons) == ("untested", 71, ())
    assert [category.name for category in judgement.categories] == ["No Category (untested)"]


@pytest.mark.parametrize(
    ("url", "rule", "says"),
    [
        ("http://192.0.2.1/", "address-host", "bare address"),
        ("http://[2001:db8::1]/", "address-host", "bare address"),
        ("http://xn--bcher-kva.example/", "punycode-host", "bücher.example"),
    ],
)
def test_a_host_to_look_at_twice_is_a_reason_and_no_score(verdicts: Verdicts, url: str, rule: str, says: str) -> None:
    judgement = judged(verdicts, url)
    assert judgement.rating == "untested"
    assert [(reason.rule, says in reason.says) for reason in judgement.reasons] == [(rule, True)]
