"""What mail clients write around a mail that is forwarded, in the languages that they speak."""

# ruff: noqa: RUF001 - the words of other alphabets are meant as they are

SUBJECT_MARKS = "|".join(
    (
        "fwd?", "wg", "tr", "rv", "enc", "vs", "vb", "vl", "pd", "i", "ilt", "doorst",
        "továbbítás", "转发", "转寄", "轉寄",
        "轉發", "転送", "전달",
    )
)  # fmt: skip

FORWARD_MARKS = "|".join(
    (
        # Gmail, Thunderbird, Yahoo, Proton
        "forwarded message", "weitergeleitete nachricht", "message transféré", "mensaje reenviado",
        "messaggio inoltrato", "mensagem encaminhada", "mensagem reencaminhada", "doorgestuurd bericht",
        "vidarebefordrat meddelande", "videresendt (?:meddelelse|melding)", "välitetty viesti",
        "przekazana wiadomość",
        "přeposlaná zpráva", "továbbított üzenet", "mesaj redirecționat", "iletilen ileti",
        "пересылаемое сообщение",
        "перенаправленное сообщение", "переслане повідомлення", "転送メッセージ", "转发的消息", "转发邮件信息",
        "轉寄郵件", "전달된 메시지",
        # Apple Mail
        "begin forwarded message", "anfang der weitergeleiteten nachricht",
        "début du message (?:réexpédié|transféré)",
        "inicio del mensaje reenviado", "inizio messaggio inoltrato",
        "início da mensagem (?:encaminhada|reencaminhada)",
        "begin doorgestuurd bericht", "vidarebefordrat brev", "転送されたメッセージ", "开始转发的消息", "開始轉寄郵件",
        # Notes
        "forwarded by .{1,80}", "weitergeleitet von .{1,80}", "transféré par .{1,80}",
    )
)  # fmt: skip

# Outlook writes these above replies too: they say something only where the subject does.
ORIGINAL_MARKS = "|".join(
    (
        "original message", "ursprüngliche nachricht", "message d['\u2019]origine",
        "mensaje original", "messaggio originale",
        "mensagem original", "oorspronkelijk bericht", "ursprungligt meddelande", "oprindelig meddelelse",
        "opprinnelig melding", "alkuperäinen viesti", "wiadomość oryginalna",
        "original appointment", "původní zpráva",
        "исходное сообщение", "元のメッセージ", "原始邮件", "邮件原件", "原始郵件", "원본 메시지",
    )
)  # fmt: skip

_WORDS = {
    "from": (
        "from", "von", "de", "da", "van", "från", "fra", "lähettäjä", "od", "feladó", "kimden",
        "gönderen", "от", "від",
        "差出人", "送信者", "发件人", "寄件者", "寄件人", "보낸 사람", "보낸사람",
    ),
    "date": (
        "sent", "date", "gesendet", "datum", "envoyé", "date d'envoi", "enviado", "enviado el",
        "enviada em", "enviado em",
        "fecha", "data", "inviato", "data", "verzonden", "skickat", "sendt", "dato", "lähetetty",
        "päivämäärä", "wysłano",
        "odesláno", "küldve", "gönderildi", "tarih", "отправлено", "дата",
        "送信日時", "日時", "日付", "发送时间", "日期",
        "寄件日期", "傳送時間", "보낸 날짜", "날짜",
    ),
    "to": (
        "to", "an", "à", "a", "para", "aan", "till", "til", "vastaanottaja", "do", "komu",
        "címzett", "kime", "alıcı",
        "кому", "宛先", "收件人", "收件者", "받는 사람", "받는사람",
    ),
    "subject": (
        "subject", "betreff", "objet", "asunto", "oggetto", "assunto", "onderwerp", "ämne", "emne",
        "aihe", "temat",
        "předmět", "tárgy", "konu", "тема", "件名", "主题", "主旨", "主題", "제목",
    ),
    "cc": ("cc", "kopie", "copia", "копия", "抄送", "副本"),
}  # fmt: skip

FIELDS = {word: kind for kind, words in _WORDS.items() for word in words}
