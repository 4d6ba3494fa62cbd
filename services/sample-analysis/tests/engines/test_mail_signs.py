import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from caseway_kit.archives import protected_zip
from sample_analysis.engines import analyze
from sample_analysis.engines.mailing import brands, dkim, passwords

Examine = Callable[..., Any]
MakeMail = Callable[..., bytes]
RECEIVED = (
    b"Received: from mx.example.com (mx.example.com [192.0.2.2]) by in.example.com with ESMTPS id 3;\r\n"
    b" Mon, 5 Jan 2026 10:01:00 +0100\r\n"
    b"Received: from sender.example.net (unknown [192.0.2.9]) by mx.example.com with SMTP;\r\n"
    b" Mon, 5 Jan 2026 09:00:30 +0000\r\n"
    b"Received: from laptop by sender.example.net; nonsense\r\n"
)
BASIC = b"From: Someone <someone@example.net>\r\nTo: b@example.com\r\nSubject: hello\r\n\r\nhello\r\n"
RESULTS = b"Authentication-Results: %s; spf=pass; dkim=pass; dmarc=pass\r\n"


def test_way_of_the_mail_is_told_oldest_first_with_the_time_between(examine: Examine) -> None:
    [mail] = examine(RECEIVED + BASIC, "mail.eml").parsed.emails
    assert [(hop.sender, hop.address, hop.receiver, hop.gap) for hop in mail.received] == [
        ("laptop", "", "sender.example.net", None),
        ("sender.example.net", "192.0.2.9", "mx.example.com", None),
        ("mx.example.com", "192.0.2.2", "in.example.com", 30),
    ]
    assert mail.received[-1].at == "2026-01-05T09:01:00+00:00"


@pytest.mark.parametrize(
    ("raw", "spf", "by"),
    [
        (RESULTS % b"in.example.com" + RECEIVED + BASIC, "pass", "in.example.com"),
        (RECEIVED + RESULTS % b"mx.example.com" + BASIC, "pass", "mx.example.com"),
        (RECEIVED + RESULTS % b"trusted.example.org" + BASIC, "none", ""),
        (RECEIVED + RESULTS % b"sender.example.net" + BASIC, "none", ""),
        (BASIC, "none", ""),
    ],
    ids=["above", "of the receiver", "of anybody", "of the sender", "no line"],
)
def test_only_the_receivers_word_on_authentication_counts(examine: Examine, raw: bytes, spf: str, by: str) -> None:
    [mail] = examine(raw, "mail.eml", "email").parsed.emails
    assert (mail.authentication.spf, mail.authentication.by) == (spf, by)


def test_word_in_a_comment_is_no_result(examine: Examine) -> None:
    line = b"Authentication-Results: in.example.com; spf=fail (says spf=pass); dkim=none\r\n"
    [mail] = examine(line + RECEIVED + BASIC, "mail.eml").parsed.emails
    assert (mail.authentication.spf, mail.authentication.dkim) == ("fail", "none")


def test_seal_of_a_chain_is_told(examine: Examine) -> None:
    seal = b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=example.com; s=x; b=AAAA\r\n"
    [mail] = examine(seal + RECEIVED + BASIC, "mail.eml").parsed.emails
    assert mail.authentication.arc == "none"


def _signed(body: bytes, ways: bytes, sign: Callable[[bytes], bytes], algorithm: bytes) -> bytes:
    """A mail signed by a signer of this test's own: relaxed or simple for header and body alike."""
    relaxed = ways == b"relaxed"
    shown = b"\r\n".join(b" ".join(line.split()) for line in body.split(b"\r\n")) if relaxed else body
    digest = base64.b64encode(hashlib.sha256(shown).digest())
    tags = b"v=1; a=%s; c=%s/%s; d=example.net; s=sel; h=from:subject; bh=%s; b=" % (algorithm, ways, ways, digest)
    signature = b"DKIM-Signature: " + tags
    head = [b"From: Someone  <someone@example.net>", b"Subject: hello"]
    if relaxed:
        signed = b"from:Someone <someone@example.net>\r\nsubject:hello\r\ndkim-signature:" + tags
    else:
        signed = b"\r\n".join((*head, signature))
    return signature + base64.b64encode(sign(signed)) + b"\r\n" + b"\r\n".join(head) + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _record(key: rsa.RSAPrivateKey) -> dict[str, str]:
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    data = key.public_key().public_bytes(serialization.Encoding.DER, info)
    return {"sel._domainkey.example.net": f"v=DKIM1; k=rsa; p={base64.b64encode(data).decode()}"}


@pytest.mark.parametrize("ways", [b"relaxed", b"simple"])
def test_signature_is_checked_with_the_key_that_is_handed_in(
    rsa_key: rsa.RSAPrivateKey, ways: bytes, examine: Examine, team_set: Callable[[dict[str, str]], None]
) -> None:
    mail = _signed(
        b"two  words\r\n", ways, lambda data: rsa_key.sign(data, padding.PKCS1v15(), hashes.SHA256()), b"rsa-sha256"
    )
    keys = _record(rsa_key)
    assert dkim.verified(mail, keys) == "pass"
    assert dkim.verified(mail.replace(b"\r\n", b"\n"), keys) == "pass"
    assert dkim.verified(mail + b"more\r\n", keys) == "fail"
    assert dkim.verified(mail.replace(b"Subject: hello", b"Subject: hallo"), keys) == "fail"
    assert dkim.verified(mail, {"other._domainkey.example.net": "v=DKIM1; p="}) == ""
    assert dkim.verified(mail, {"sel._domainkey.example.net": "v=DKIM1; p="}) == "fail"
    assert examine(mail, "mail.eml", "email").parsed.emails[0].authentication.dkim_verified == ""
    [(name, text)] = keys.items()
    team_set({"dkim-keys.txt": f"# of a partner\n{name} {text}\n"})
    assert examine(mail, "mail.eml", "email").parsed.emails[0].authentication.dkim_verified == "pass"


def test_signature_with_an_edwards_key_is_checked() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    mail = _signed(b"x\r\n", b"relaxed", lambda data: key.sign(hashlib.sha256(data).digest()), b"ed25519-sha256")
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    record = {"sel._domainkey.example.net": f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"}
    assert dkim.verified(mail, record) == "pass"
    assert dkim.verified(mail.replace(b"b=", b"b=A"), record) == "fail"


def _rules(report: Any) -> set[str]:
    return {reason.rule for reason in report.parsed.emails[0].reasons}


@pytest.mark.parametrize(
    ("changes", "rule", "verdict"),
    [
        ({"sender": '"boss@example.com" <x@elsewhere.example>'}, "name-shows-other-address", "unknown"),
        (
            {"sender": '"boss@example.com" <x@elsewhere.example>', "Reply_To": "boss@gmail.com"},
            "reply-goes-elsewhere",
            "suspicious",
        ),
        ({"Reply_To": "list@lists.example.org"}, "reply-goes-elsewhere", "unknown"),
        ({"sender": "PayPal Service <x@pay.example.org>"}, "name-of-a-brand", "unknown"),
        ({"sender": "Support <x@paypa1.com>"}, "look-alike-sender", "suspicious"),
        ({"sender": "Support <x@rnicrosoft.com>"}, "look-alike-sender", "suspicious"),
        ({"subject": "URGENT: wire transfer"}, "urgent-subject", "unknown"),
        ({"html": '<a href="https://a.example.org/">https://www.paypal.com/</a>'}, "link-says-otherwise", "unknown"),
        ({"html": '<a href="https://www.paypal.com@evil.example.org/">x</a>'}, "name-before-host", "unknown"),
        ({"html": '<a href="http://192.0.2.7/login">x</a>'}, "link-to-a-number", "unknown"),
        ({"html": '<a href="https://micr0soft.com/x">x</a>'}, "look-alike-link", "suspicious"),
        ({"html": 'V<span style="font-size:0px">x</span>' * 5}, "hidden-text", "unknown"),
        (
            {"html": '<form action="https://a.example/"><input type="password"></form>'},
            "credential-form-in-mail",
            "unknown",
        ),
    ],
)  # fmt: skip
def test_reasons_for_fraud_are_told_and_weighed(
    examine: Examine, make_mail: MakeMail, changes: dict[str, str], rule: str, verdict: str
) -> None:
    report = examine(make_mail(**changes), "mail.eml")
    assert rule in _rules(report)
    assert report.root.verdict == verdict


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": '"someone@example.net" <someone@example.net>'},
        {"sender": "Amazon <no-reply@amazon.de>"},
        {"sender": "Pineapple Farms <x@pineapple.example>"},
        {"Reply_To": "other@news.example.net"},
        {"html": '<a href="https://www.example.org/x?y">www.example.org/x</a>'},
        {"html": '<a href="https://a.example.org/">report.pdf</a> <a href="https://b.example.org/">Click here</a>'},
        {
            "html": '<a href="https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.python.org%2F">'
            "www.python.org</a>"
        },
    ],
)
def test_ordinary_mails_give_no_reason(examine: Examine, make_mail: MakeMail, changes: dict[str, str]) -> None:
    assert _rules(examine(make_mail(**changes), "mail.eml")) == set()


def test_failed_authentication_and_a_false_link_make_a_mail_suspicious(examine: Examine, make_mail: MakeMail) -> None:
    stated = "mail.example.com; spf=fail; dkim=none; dmarc=fail (p=reject)"
    html = '<a href="https://a.example.org/">https://www.paypal.com/</a>'
    report = examine(make_mail("x", html, Authentication_Results=stated), "mail.eml")
    assert {"dmarc-failed", "spf-failed", "link-says-otherwise"} <= _rules(report)
    assert report.root.verdict == "suspicious"


def test_page_that_asks_for_a_password_is_suspicious_when_attached(examine: Examine, make_mail: MakeMail) -> None:
    page = (
        b"<!DOCTYPE html><html><form action='https://a.example/post.php'><input type='password' name='p'></form></html>"
    )
    report = examine(make_mail(attachments={"login.html": page}), "mail.eml")
    assert "credential-form" in report.rules("login.html")
    assert report.root.verdict == "suspicious"


def test_password_from_the_mail_opens_the_archive_in_it(examine: Examine, make_mail: MakeMail, eicar: bytes) -> None:
    packed = protected_zip({"eicar.com": eicar}, "Zq7!frost")
    report = examine(make_mail("The password is: Zq7!frost.\r\n", attachments={"a.zip": packed}), "mail.eml")
    assert report.file("eicar.com").verdict == "malicious"
    assert "password-in-mail" in _rules(report)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Password: abc123", "abc123"),
        ("Das Passwort lautet „geheim“.", "geheim"),
        ("mot de passe : été2026", "été2026"),
        ("Пароль: 4321", "4321"),
        ("密码\uff1ahello8", "hello8"),
        ("Use password 'in fected' or\r\npwd=infected!", "infected!"),
    ],
)
def test_words_that_a_mail_calls_a_password_are_offered(text: str, word: str) -> None:
    assert word in passwords.named([text])


def test_words_are_few_and_a_long_text_is_read_in_time() -> None:
    assert len(passwords.guesses([f"a{number}b " * 3 for number in range(1000)])) <= passwords.WORDS
    assert passwords.guesses(["password " * 20_000])


def test_names_like_a_brands_are_told_from_those_that_only_hold_it() -> None:
    assert brands.imitated("paypa1.com") == brands.imitated("xn--pypal-4ve.com") == "paypal"
    assert [brands.imitated(name) for name in ("paypal.com", "paypal.example", "apples.com", "example.com")] == [""] * 4


def test_no_honest_mail_of_the_corpora_is_called_suspicious(corpora: Path) -> None:
    honest = ("nice", "nice-cjk", "nice-dkim", "nice-dmarc")
    looked_at = 0
    for path in (file for name in honest for file in sorted((corpora / "email-spamassassin" / name).iterdir())):
        assert analyze(path, "evidence", path.name, "email")["emails"][0]["verdict"] == "unknown", path
        looked_at += 1
    assert looked_at > 30


def test_false_links_that_the_peer_expects_are_told(corpora: Path) -> None:
    for name in ("phishing1", "phishing2", "phishing3", "phishing_same_label_cross_tld"):
        report = analyze(corpora / "email-rspamd" / f"{name}.eml", "evidence", name, "email")
        assert "link-says-otherwise" in {reason["rule"] for reason in report["emails"][0]["reasons"]}
