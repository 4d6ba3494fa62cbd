import pytest

from caseway_catalog import load
from url_rating.expressions import digest
from url_rating.list_formats import Parsed, parse, reader
from url_rating.lists import ListEntry
from url_rating.sources import SourceData, Sources


@pytest.fixture
def phishing(sources: Sources) -> ListEntry:
    meaning = sources.meaning("phishing")
    assert meaning is not None
    return ListEntry(digest("evil.example/"), meaning.score, meaning.categories)


def parsed(sources: Sources, name: str, *lines: str, default: str | None = None) -> Parsed:
    meaning = None if default is None else sources.meaning(default)
    return parse([line.encode() for line in lines], reader(name), sources, meaning)


def test_ut1_line_stands_behind_its_category(sources: Sources, phishing: ListEntry) -> None:
    result = parsed(sources, "ut1", "phishing\tevil.example", "phishing\tEVIL.example.", "", "#comment")
    assert list(result.entries.values()) == [phishing]
    assert result.lines == 4


def test_hosts_line_is_an_address_and_a_name(sources: Sources, phishing: ListEntry) -> None:
    lines = ("# blocked", "0.0.0.0 evil.example # since May", "127.0.0.1 localhost", "evil.example")
    assert list(parsed(sources, "hosts", *lines, default="75").entries.values()) == [phishing]


def test_csv_names_its_columns(sources: Sources) -> None:
    lines = ("category,url,score", '"Phishing","http://evil.example/a,b",12', "58,shop.example,", ",bare.example,")
    result = parsed(sources, "csv", *lines, default="press")
    assert set(result.entries.values()) == {
        ListEntry(digest("shop.example/"), 90, (58,)),
        ListEntry(digest("bare.example/"), 90, (46,)),
        ListEntry(digest("evil.example/a,b"), 12, (75,)),
    }


def test_entry_of_two_categories_keeps_both_and_the_lower_score(sources: Sources) -> None:
    result = parsed(sources, "ut1", "shopping\tevil.example", "phishing\tevil.example")
    assert list(result.entries.values()) == [ListEntry(digest("evil.example/"), 49, (58, 75))]


def test_wildcards_and_leading_dots_mean_the_domain(sources: Sources, phishing: ListEntry) -> None:
    result = parsed(sources, "ut1", "phishing\t*.evil.example", "phishing\t.evil.example")
    assert list(result.entries.values()) == [phishing]


@pytest.mark.parametrize(
    ("name", "lines", "reason"),
    [
        ("ut1", ["phishing\thttp://exa mple/"], "not a URL"),
        ("csv", ["url,score", "a.example,71"], "score 71 means untested"),
        ("csv", ["url,score", "a.example,high"], "not a score"),
        ("csv", ["name"], "the first row names no column url, domain or host"),
        ("csv", ["url", '"a.example'], "not a row"),
        ("csv", ["category,url", "phishing"], "no URL in the row"),
    ],
)
def test_line_without_sense_is_counted_and_passed_over(
    sources: Sources, name: str, lines: list[str], reason: str
) -> None:
    result = parsed(sources, name, *lines, default="phishing")
    assert result.refused == {reason: 1}
    assert not result.entries


def test_unknown_category_is_counted_by_name(sources: Sources) -> None:
    assert parsed(sources, "ut1", "knitting\twool.example").unknown_categories == {"knitting": 1}


def test_entry_without_a_category_needs_one_for_the_whole_list(sources: Sources) -> None:
    assert parsed(sources, "hosts", "0.0.0.0 evil.example").refused == {"no category": 1}


def test_no_source_may_say_untested() -> None:
    with pytest.raises(ValueError, match="71"):
        SourceData.model_validate({"scores": {75: 71}, "ut1": {}})


def test_sources_name_categories_of_the_catalogue_only() -> None:
    data = SourceData.model_validate({"scores": {}, "ut1": {"knitting": {"categories": [9999]}}})
    with pytest.raises(ValueError, match="9999"):
        Sources(data, load())
