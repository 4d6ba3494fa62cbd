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
    assert result.entries == [phishing, phishing]
    assert result.lines == 4


def test_hosts_line_is_an_address_and_a_name(sources: Sources, phishing: ListEntry) -> None:
    lines = ("# blocked", "0.0.0.0 evil.example # since May", "127.0.0.1 localhost", "evil.example")
    assert parsed(sources, "hosts", *lines, default="75").entries == [phishing, phishing]


def test_hosts_line_may_name_several(sources: Sources) -> None:
    found = parsed(sources, "hosts", "0.0.0.0 a.example localhost b.example", default="75").entries
    assert [entry.digest for entry in found] == [digest("a.example/"), digest("b.example/")]


def test_csv_names_its_columns(sources: Sources) -> None:
    lines = ("category,url,score", '"Phishing","http://evil.example/a,b",12', "58,shop.example,", ",bare.example,")
    result = parsed(sources, "csv", *lines, default="press")
    assert set(result.entries) == {
        ListEntry(digest("shop.example/"), 90, (58,)),
        ListEntry(digest("bare.example/"), 90, (46,)),
        ListEntry(digest("evil.example/a,b"), 12, (75,)),
    }


def test_wildcards_and_leading_dots_mean_the_domain(sources: Sources, phishing: ListEntry) -> None:
    result = parsed(sources, "ut1", "phishing\t*.evil.example", "phishing\t.evil.example")
    assert result.entries == [phishing, phishing]


@pytest.mark.parametrize(
    ("name", "lines", "reason"),
    [
        ("ut1", ["phishing\thttp://exa mple/"], "not a URL"),
        ("csv", ["url,score", "a.example,71"], "score 71 means untested"),
        ("csv", ["url,score", "a.example,high"], "not a score"),
        ("csv", ["name"], "the first row names no column url, domain or host"),
        ("csv", ["url", '"a.example'], "not a row"),
        ("csv", ["category,url", "phishing"], "no URL in the row"),
        ("rpz", ["24.0.2.0.192.rpz-ip CNAME ."], "not one IPv4 address"),
        ("rpz", ["ns.evil.example.rpz-nsdname CNAME ."], "not about a name"),
        ("rpz", ["evil.example"], "not a record"),
    ],
)
def test_line_without_sense_is_counted_and_passed_over(
    sources: Sources, name: str, lines: list[str], reason: str
) -> None:
    result = parsed(sources, name, *lines, default="phishing")
    assert result.refused == {reason: 1}
    assert not result.entries


ZONE = """
$TTL 1h
@ IN SOA localhost. root.rpz.example. (
    2026081701 ; serial
    1h 15m 30d 2h )
  IN NS localhost.
$ORIGIN rpz.example.
; names
evil.example            CNAME .
*.evil.example          CNAME .
absolute.example.rpz.example. 300 IN CNAME *.
walled.example          A 192.0.2.1
                        AAAA 2001:db8::1
good.example            CNAME rpz-passthru.
32.1.2.0.192.rpz-ip     CNAME rpz-drop.
"""


def test_policy_zone_names_what_it_blocks(sources: Sources) -> None:
    result = parsed(sources, "rpz", *ZONE.splitlines(), default="phishing")
    names = ["evil.example", "evil.example", "absolute.example", "walled.example", "walled.example", "192.0.2.1"]
    assert [entry.digest for entry in result.entries] == [digest(f"{name}/") for name in names]
    assert result.refused == {}


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
