import pytest

from url_rating.canonical import canonicalize
from url_rating.expressions import MOST, digest, expressions


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "http://a.b.c/1/2.html?param=1",
            [
                "a.b.c/1/2.html?param=1",
                "a.b.c/1/2.html",
                "a.b.c/1/",
                "a.b.c/",
                "b.c/1/2.html?param=1",
                "b.c/1/2.html",
                "b.c/1/",
                "b.c/",
            ],
        ),
        (
            "http://a.b.c.d.e.f.g/1.html",
            [
                "a.b.c.d.e.f.g/1.html",
                "a.b.c.d.e.f.g/",
                "c.d.e.f.g/1.html",
                "c.d.e.f.g/",
                "d.e.f.g/1.html",
                "d.e.f.g/",
                "e.f.g/1.html",
                "e.f.g/",
                "f.g/1.html",
                "f.g/",
            ],
        ),
        ("http://1.2.3.4/1/", ["1.2.3.4/1/", "1.2.3.4/"]),
        ("http://example.co.uk/1", ["example.co.uk/1", "example.co.uk/"]),
        ("http://co.uk/1", ["co.uk/1", "co.uk/"]),
        ("http://one.blogspot.com/", ["one.blogspot.com/", "blogspot.com/"]),
        ("http://[2001:db8::1]/a", ["[2001:db8::1]/a", "[2001:db8::1]/"]),
        ("http://localhost/", ["localhost/"]),
    ],
)
def test_expressions_stand_from_the_most_specific_to_the_least(url: str, expected: list[str]) -> None:
    assert [expression.text for expression in expressions(canonicalize(url))] == expected


def test_there_are_never_more_than_thirty() -> None:
    built = expressions(canonicalize("http://a.b.c.d.e.f.g/1/2/3/4/5.html?q=1"))
    assert len(built) == MOST
    assert len({expression.digest for expression in built}) == MOST
    assert built[0].digest == digest("a.b.c.d.e.f.g/1/2/3/4/5.html?q=1")
    assert built[-1].text == "f.g/"
