# ruff: noqa: RUF001 - the words of other alphabets are meant as they are

from email.message import EmailMessage

import pytest

from caseway_kit.archives import Content
from caseway_kit.forwarded import is_forwarded

ENGLISH = "From: A <a@example.com>\nDate: Mon, 5 Jan 2026\nSubject: Invoice\nTo: b@example.com\n\nPay now\n"
COPIES = {
    "Gmail": ("Fwd: Invoice", f"look at this\n\n---------- Forwarded message ---------\n{ENGLISH}"),
    "Gmail without a subject": ("", f"---------- Forwarded message ---------\n{ENGLISH}"),
    "Thunderbird": ("Fwd: Invoice", f"-------- Forwarded Message --------\n{ENGLISH}"),
    "Apple Mail": ("Fwd: Invoice", f"Begin forwarded message:\n\n> {ENGLISH.replace(chr(10), chr(10) + '> ')}"),
    "Outlook": (
        "FW: Invoice",
        "\n________________________________\nFrom: A <a@example.com>\nSent: Monday\nTo: B\nSubject: Invoice\n\nPay\n",
    ),
    "Outlook, older": ("FW: Invoice", f"-----Original Message-----\n{ENGLISH}"),
    "Outlook, bold": ("FW: Invoice", "*From:* A\n*Sent:* Monday\n*To:* B\n*Subject:* Invoice\n\nPay\n"),
    "Notes": ("Fw: Invoice", f"----- Forwarded by B/Example on 05.01.2026 10:00 -----\n\n{ENGLISH}"),
    "Yahoo": ("Fw: Invoice", f"----- Forwarded Message -----\n{ENGLISH}"),
    "Outlook, German": ("WG: Rechnung", "Von: A\nGesendet: Montag\nAn: B\nBetreff: Rechnung\n\nBitte zahlen\n"),
    "Thunderbird, German": (
        "Fwd: Rechnung",
        "-------- Weitergeleitete Nachricht --------\nBetreff: \tRechnung\nDatum: \tMo\nVon: \tA\nAn: \tB\n",
    ),
    "Apple Mail, German": (
        "Fwd: Rechnung",
        "Anfang der weitergeleiteten Nachricht:\n\n> Von: A\n> Betreff: Rechnung\n> Datum: 5. Januar\n> An: B\n",
    ),
    "Outlook, French": ("TR: Facture", "De : A <a@example.com>\nEnvoyé : lundi\nÀ : B\nObjet : Facture\n\nPayez\n"),
    "Outlook, Spanish": ("RV: Factura", "De: A\nEnviado el: lunes\nPara: B\nAsunto: Factura\n"),
    "Outlook, Italian": ("I: Fattura", "Da: A\nInviato: lunedì\nA: B\nOggetto: Fattura\n"),
    "Outlook, Portuguese": ("ENC: Fatura", "De: A\nEnviada em: segunda\nPara: B\nAssunto: Fatura\n"),
    "Thunderbird, Dutch": ("Fwd: Factuur", "-------- Doorgestuurd bericht --------\nOnderwerp: x\nVan: A\nAan: B\n"),
    "Outlook, Swedish": ("VB: Faktura", "Från: A\nSkickat: måndag\nTill: B\nÄmne: Faktura\n"),
    "Outlook, Polish": ("PD: Faktura", "Od: A\nWysłano: poniedziałek\nDo: B\nTemat: Faktura\n"),
    "Thunderbird, Russian": ("Fwd: Счёт", "-------- Перенаправленное сообщение --------\nТема: x\nДата: y\nОт: A\n"),
    "Outlook, Japanese": ("FW: 請求書", "差出人: A\n送信日時: 2026年1月5日\n宛先: B\n件名: 請求書\n"),
    "Outlook, Chinese": ("转发: 发票", "发件人: A\n发送时间: 2026年1月5日\n收件人: B\n主题: 发票\n"),
    "Foxmail, wide colons": ("转发\uff1a发票", "发件人\uff1a A\n日期\uff1a 2026\n收件人\uff1a B\n主题\uff1a 发票\n"),
    "Outlook, Korean": ("FW: 송장", "보낸 사람: A\n보낸 날짜: 월요일\n받는 사람: B\n제목: 송장\n"),
}
ORIGINALS = {
    "a plain one": ("Invoice", "Pay now\n"),
    "a reply": ("Re: Invoice", f"-----Original Message-----\n{ENGLISH}"),
    "a reply in German": ("AW: Rechnung", "ja\n\nVon: A\nGesendet: Montag\nAn: B\nBetreff: Rechnung\n"),
    "a reply with a quotation": ("Re: Invoice", "On Monday A wrote:\n> Pay now\n"),
    "one that only says so in its subject": ("FW: Invoice", "Pay now\n"),
    "one that mentions a forwarded message": ("Question", "I got a forwarded message from you.\nFrom: me\n"),
    "fields far from one another": ("FW: list", "From: here\n\n\n\n\n\nTo: there\n\n\n\n\n\nSubject: none\n"),
    "a form": ("Order", "Name: A\nDate: today\nTo: the moon\n"),
}


def _mail(subject: str, text: str, **headers: str) -> EmailMessage:
    mail = EmailMessage()
    for name, value in headers.items():
        mail[name] = value
    mail["From"], mail["To"], mail["Subject"] = "b@example.com", "security@example.com", subject
    mail.set_content(text)
    return mail


def _forwarded(mail: EmailMessage) -> bool:
    return is_forwarded(Content.of_bytes(mail.as_bytes()))


@pytest.mark.parametrize("client", list(COPIES))
def test_copy_is_known_by_what_the_client_writes(client: str) -> None:
    assert _forwarded(_mail(*COPIES[client]))


@pytest.mark.parametrize("client", list(COPIES))
def test_copy_that_is_only_html_is_known_too(client: str) -> None:
    subject, text = COPIES[client]
    mail = _mail(subject, "")
    lines = "".join(f"<div><b>{line.replace('<', '&lt;')}</b></div>" for line in text.splitlines())
    mail.set_content(f"<html><body>{lines}</body></html>", subtype="html")
    assert _forwarded(mail)


@pytest.mark.parametrize("client", list(COPIES))
def test_copy_beside_the_original_as_attachment_is_none(client: str) -> None:
    mail = _mail(*COPIES[client])
    mail.add_attachment(_mail("Invoice", "Pay now"), filename="original.eml")
    assert not _forwarded(mail)


@pytest.mark.parametrize("client", list(COPIES))
def test_mail_that_was_received_is_what_was_received(client: str) -> None:
    assert not _forwarded(
        _mail(*COPIES[client], Received="from a.example by b.example; Mon, 5 Jan 2026 09:00:00 +0000")
    )


@pytest.mark.parametrize("kind", list(ORIGINALS))
def test_original_is_not_taken_for_a_copy(kind: str) -> None:
    assert not _forwarded(_mail(*ORIGINALS[kind]))


@pytest.mark.parametrize("charset", ["iso-2022-jp", "euc-kr", "gb2312", "koi8-r"])
def test_copy_is_known_in_the_charset_of_its_country(charset: str) -> None:
    subject, text = {
        "iso-2022-jp": COPIES["Outlook, Japanese"],
        "euc-kr": COPIES["Outlook, Korean"],
        "gb2312": COPIES["Outlook, Chinese"],
        "koi8-r": COPIES["Thunderbird, Russian"],
    }[charset]
    mail = _mail(subject, "")
    mail.set_content(text, charset=charset)
    assert _forwarded(mail)


@pytest.mark.parametrize("text", ["-" * 100_000, "> " * 60_000, "from: " * 20_000, "<" * 100_000, "From:\n" * 20_000])
def test_text_made_to_be_slow_comes_to_an_end(text: str) -> None:
    assert _forwarded(_mail("FW: x", text)) is False
