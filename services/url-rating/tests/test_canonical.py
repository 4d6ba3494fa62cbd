import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_rating.canonical import FOUND_LIMIT, TYPED_LIMIT, InvalidUrl, canonicalize
from url_rating.expressions import MOST, expressions

# The examples that Safe Browsing publishes with its rules.
SAFE_BROWSING = [
    ("http://host/%25%32%35", "http://host/%25"),
    ("http://host/%25%32%35%25%32%35", "http://host/%25%25"),
    ("http://host/%2525252525252525", "http://host/%25"),
    ("http://host/asdf%25%32%35asd", "http://host/asdf%25asd"),
    ("http://host/%%%25%32%35asd%%", "http://host/%25%25%25asd%25%25"),
    ("http://www.google.com/", "http://www.google.com/"),
    (
        "http://%31%36%38%2e%31%38%38%2e%39%39%2e%32%36/%2E%73%65%63%75%72%65/%77%77%77%2E%65%62%61%79%2E%63%6F%6D/",
        "http://168.188.99.26/.secure/www.ebay.com/",
    ),
    (
        "http://195.127.0.11/uploads/%20%20%20%20/.verify/.eBaysecure=updateuserdataxplimnbqmn-xplmvalidateinfoswqpcmlx=hgplmcx/",
        "http://195.127.0.11/uploads/%20%20%20%20/.verify/.eBaysecure=updateuserdataxplimnbqmn-xplmvalidateinfoswqpcmlx=hgplmcx/",
    ),
    ("http://3279880203/blah", "http://195.127.0.11/blah"),
    ("http://www.google.com/blah/..", "http://www.google.com/"),
    ("www.google.com/", "http://www.google.com/"),
    ("www.google.com", "http://www.google.com/"),
    ("http://www.evil.com/blah#frag", "http://www.evil.com/blah"),
    ("http://www.GOOgle.com/", "http://www.google.com/"),
    ("http://www.google.com.../", "http://www.google.com/"),
    ("http://www.google.com/foo\tbar\rbaz\n2", "http://www.google.com/foobarbaz2"),
    ("http://www.google.com/q?", "http://www.google.com/q?"),
    ("http://www.google.com/q?r?", "http://www.google.com/q?r?"),
    ("http://www.google.com/q?r?s", "http://www.google.com/q?r?s"),
    ("http://evil.com/foo#bar#baz", "http://evil.com/foo"),
    ("http://evil.com/foo;", "http://evil.com/foo;"),
    ("http://evil.com/foo?bar;", "http://evil.com/foo?bar;"),
    ("http://notrailingslash.com", "http://notrailingslash.com/"),
    ("http://www.gotaport.com:1234/", "http://www.gotaport.com/"),
    ("  http://www.google.com/  ", "http://www.google.com/"),
    ("https://www.securesite.com/", "https://www.securesite.com/"),
    ("http://host.com/ab%23cd", "http://host.com/ab%23cd"),
    ("http://host.com//twoslashes?more//slashes", "http://host.com/twoslashes?more//slashes"),
]

# The published examples whose host no browser opens. We follow the browsers: such a URL leads nowhere.
SAFE_BROWSING_REFUSED = [
    "http://host%23.com/%257Ea%2521b%2540c%2523d%2524e%25f%255E00%252611%252A22%252833%252944_55%252B",
    "http://\x01\x80.com/",
    "http:// leadingspace.com/",
    "http://%20leadingspace.com/",
    "%20leadingspace.com/",
]

OWN = [
    ("https://Bücher.de/Über", "https://xn--bcher-kva.de/%C3%9Cber"),
    ("https://faß.de/", "https://xn--fa-hia.de/"),
    ("http://user:secret@example.com:8080/x", "http://example.com/x"),
    ("http://example.com@evil.example/", "http://evil.example/"),
    ("http:\\\\example.com\\a\\b", "http://example.com/a/b"),
    ("//example.com/a", "http://example.com/a"),
    ("example.com:8080/a", "http://example.com/a"),
    ("http:example.com", "http://example.com/"),
    ("http://0x7f.1/", "http://127.0.0.1/"),
    ("http://0177.0.0.1/", "http://127.0.0.1/"),
    ("http://..127.1../", "http://127.0.0.1/"),
    ("http://..example...com../a", "http://example.com/a"),
    ("http://example.com。/", "http://example.com/"),
    ("http://[2001:DB8:0:0::1]:443/x", "http://[2001:db8::1]/x"),
    ("http://[::ffff:1.2.3.4]/", "http://1.2.3.4/"),
    ("http://[64:ff9b::1.2.3.4]/", "http://1.2.3.4/"),
    ("http://[64:ff9b:1::102:304]/", "http://[64:ff9b:1::102:304]/"),
    ("http://example.com/%2e%2e%2fa/./b//c/../d", "http://example.com/a/b/d"),
    ("http://example.com/a%252e%252e/%252e%252e/b", "http://example.com/b"),
    ("http://example.com/a%3Fb//c", "http://example.com/a?b//c"),
    ("http://example.com/\ud800", "http://example.com/%EF%BF%BD"),
    ("ftp://example.com/a", "ftp://example.com/a"),
    ("http://xn--a/", "http://xn--a/"),
]

DEFANGED = [
    ("hxxp://evil[.]example/a", "http://evil.example/a"),
    ("hXXps://www(.)evil(dot)example", "https://www.evil.example/"),
    ("hxxps[:]//evil{.}example/(.)", "https://evil.example/(.)"),
    ("http[://]evil [dot] example/", "http://evil.example/"),
    ("h**p://evil[.]example", "http://evil.example/"),
    ("fxp://evil[.]example/", "ftp://evil.example/"),
    ("evil[.]example/a[.]b", "http://evil.example/a[.]b"),
    ("hxxps[:][//]evil[.]example", "https://evil.example/"),
    ("meow://evil[.]example/x", "http://evil.example/x"),
    ("hxxp://evil[.example/", "http://evil.example/"),
    ("hxxp://evil.]example/", "http://evil.example/"),
    ("http__evil[.]example[/]a[/]b", "http://evil.example/a[/]b"),
    ("hxxp:\\\\evil[.]example\\x", "http://evil.example/x"),
    ("hxxp://evil[.]example[:]8080/x", "http://evil.example/x"),
    ("http://user[at]evil[.]example/", "http://evil.example/"),
    ("1[.]2[.]3[.]4", "http://1.2.3.4/"),
    ("http://evil[,]example/", "http://evil.example/"),
    ("http://a.example/x[/]y(dot)z", "http://a.example/x[/]y(dot)z"),
]

# Text that an attacker may send where a URL is expected: a canonical form or a refusal, and nothing else.
HOSTILE = [
    "javascript:alert(1)//http://good.example/",
    "java\tscript:alert(1)",
    "JaVaScRiPt://good.example/%0aalert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "data:" + "a" * 70_000,
    "vbscript:msgbox(1)",
    "blob:https://good.example/1",
    "view-source:http://good.example/",
    "about:blank#http://good.example",
    "http://good.example@evil.example/",
    "http://good.example:80@evil.example:81/",
    "http://good.example%40evil.example/",
    "http://good.example%00.evil.example/",
    "http://good.example\\@evil.example/",
    "http://good.example#@evil.example/",
    "http://good.example?@evil.example/",
    "http://good.example;@evil.example/",
    "http://evil.example/@good.example",
    "http://" + "a@" * 30_000 + "evil.example/",
    "http://" + "a." * 30_000 + "example/",
    "http://evil.example/" + "../" * 20_000,
    "http://evil.example/" + "%2e%2e/" * 9_000,
    "http://evil.example/" + "/" * 60_000,
    "http://evil.example/?" + "?" * 60_000,
    "http://evil.example/#" + "#" * 60_000,
    "http://" + "[" * 60_000,
    "[.]" * 20_000,
    "(dot" * 15_000,
    "a[/" * 20_000,
    "hxxp[" + "[:" * 30_000,
    "http://xn--" + "a" * 60_000 + "/",
    "http://" + "xn--a." * 10_000 + "/",
    "http://" + "\u0430" * 60_000 + "/",
    "http://ex\u0430mple.com/",
    "http://e\u0301\u0301\u0301.example/",
    "http://\u202egpj.evil.example/",
    "http://good\u200b.example/",
    "http://good\u00ad.example/",
    "http://\uff45vil.example/",
    "http://\u2460\u2461\u2462.\u2460/",
    "http://evil\u3002example/",
    "http://evil.example\uff0fpath/",
    "http://\udfff\ud800.example/",
    "http://\x00evil.example/",
    "\x00" * 60_000,
    " " * 60_000,
    "http://evil.example:99999/",
    "http://evil.example:-1/",
    "http://evil.example:080:80/",
    "http://[::1%25eth0]/",
    "http://[v1.fe80::a+en1]/",
    "http://0x" + "f" * 60_000 + "/",
    "http://4294967296/",
    "http://1.2.3.4.5/",
    "http://%",
    "http://evil.example/%",
    "http://evil.example/%zz%2",
    "http:/\\/\\/evil.example/",
    "h\nt\tt\rp://evil.example/",
    "://evil.example/",
    ":",
    "/",
    "\\",
    "@",
    "http",
    "http:",
    "mailto:a@evil.example",
    "file://evil.example/c$/x",
    "\\\\evil.example\\share",
    "C:\\windows\\evil.exe",
    "ldap://${jndi:evil.example}/",
    "http://{{7*7}}.example/",
    "' OR 1=1 --",
    "<a href=http://evil.example/>x</a>",
    'http://evil.example/"onmouseover=alert(1)',
    "\U0001f4a9.example",
    "\u2024\u2025.example",
]

REFUSED = [
    "",
    "   ",
    "javascript:alert(1)",
    "data:text/html,<script>",
    "mailto:somebody@example.com",
    "file:///etc/passwd",
    "http://",
    "http://.../",
    "http://[::1",
    "http://exa mple.com/",
    "http://999.999.999.999/",
    "http://\ud800.com/",
]


@pytest.mark.parametrize(("url", "canonical"), [*SAFE_BROWSING, *OWN, *DEFANGED])
def test_url_has_its_published_canonical_form(url: str, canonical: str) -> None:
    assert str(canonicalize(url)) == canonical


@pytest.mark.parametrize("url", [*SAFE_BROWSING_REFUSED, *REFUSED])
def test_what_no_browser_opens_is_refused_in_words(url: str) -> None:
    with pytest.raises(InvalidUrl) as refused:
        canonicalize(url)
    assert refused.value.says
    assert refused.value.help


@pytest.mark.parametrize("url", [*HOSTILE, "http://evil.example/" + "a" * 2**20, "%25" * 2**19])
def test_hostile_text_is_canonical_or_refused(url: str) -> None:
    for limit in (TYPED_LIMIT, FOUND_LIMIT, 2**22):
        try:
            canonical = canonicalize(url, limit=limit)
        except InvalidUrl:
            continue
        assert canonical.scheme in ("http", "https", "ftp")
        assert len(str(canonical)) <= 12 * len(url) + 20
        assert len(expressions(canonical)) <= MOST


def test_typed_url_has_at_most_2048_characters() -> None:
    base = "http://example.com/"
    assert canonicalize(base + "a" * (2_048 - len(base)))
    with pytest.raises(InvalidUrl, match="longer than 2,048"):
        canonicalize(base + "a" * (2_049 - len(base)))


def test_found_url_of_nested_escapes_costs_one_pass() -> None:
    url = "http://example.com/%" + "25" * 32_000
    assert str(canonicalize(url, limit=FOUND_LIMIT)) == "http://example.com/%25"


@given(
    st.text(alphabet=string.printable + "é。\uff05℀[](){}", max_size=60),
    st.sampled_from(["", "http://", "https://a.test/"]),
)
def test_any_text_is_canonical_or_refused(text: str, prefix: str) -> None:
    try:
        canonical = canonicalize(prefix + text)
    except InvalidUrl:
        return
    # A backslash that was escaped means itself once, and a slash when read again.
    if "\\" not in str(canonical):
        assert canonicalize(str(canonical)) == canonical
