"""One attachment (the harmless test file) in mails that no two programs read alike."""

import base64
import binascii
import struct

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
CODED = base64.encodebytes(EICAR).replace(b"\n", b"\r\n")
HEAD = (
    b"Received: from a.example by b.example; Mon, 5 Jan 2026 09:00:00 +0000\r\nFrom: a@example.com\r\n"
    b"To: b@example.com\r\nSubject: variant\r\nDate: Mon, 05 Jan 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\n"
)
NAMED = b'Content-Disposition: attachment; filename="eicar.com"\r\n'
IN_BASE64 = b"Content-Transfer-Encoding: base64\r\n"
BINARY = b"Content-Type: application/octet-stream\r\n"
PART = BINARY + IN_BASE64 + NAMED + b"\r\n" + CODED
TEXT = b"Content-Type: text/plain\r\n\r\nhello\r\n"


def mixed(*parts: bytes, boundary: bytes = b"b", header: bytes | None = None) -> bytes:
    header = b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n' if header is None else header
    body = b"".join(b"--" + boundary + b"\r\n" + part for part in parts)
    return HEAD + header + b"\r\n" + body + b"--" + boundary + b"--\r\n"


def with_part(fields: bytes, body: bytes = CODED) -> bytes:
    return mixed(TEXT, fields + b"\r\n" + body)


def with_type(field: bytes) -> bytes:
    return mixed(TEXT, PART, header=b"Content-Type: " + field + b"\r\n")


def uuencoded() -> bytes:
    lines = [binascii.b2a_uu(EICAR[at : at + 45]) for at in range(0, len(EICAR), 45)]
    return b"begin 644 eicar.com\n" + b"".join(lines) + b"`\nend\n"


def yenc() -> bytes:
    shifted = bytes((byte + 42) % 256 for byte in EICAR)
    coded = b"".join(b"=" + bytes([(byte + 64) % 256]) if byte in b"\0\r\n=" else bytes([byte]) for byte in shifted)
    size = str(len(EICAR)).encode()
    return b"=ybegin line=128 size=" + size + b" name=eicar.com\r\n" + coded + b"\r\n=yend size=" + size + b"\r\n"


def winmail() -> bytes:
    def attribute(number: int, value: bytes) -> bytes:
        return struct.pack("<BII", 2, number, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)

    pieces = attribute(0x00069002, b"\1\0" + b"\0" * 12) + attribute(0x00018010, b"eicar.com\0")
    return b"\x78\x9f\x3e\x22\x01\x00" + pieces + attribute(0x0006800F, EICAR)


def nested(levels: int) -> bytes:
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n--n%d\r\n" % (level, level) for level in range(levels)
    )
    return HEAD + opening + PART


def cut(data: bytes, every: int, junk: bytes) -> bytes:
    return junk.join(data[at : at + every] for at in range(0, len(data), every))


_ONE_LINE = base64.b64encode(EICAR)
_ATTACHED = mixed(TEXT, PART)
_INNER = HEAD + BINARY + IN_BASE64 + NAMED + b"\r\n" + CODED

VARIANTS: dict[str, bytes] = {
    "plain": _ATTACHED,
    "two content types, the multipart first": mixed(
        TEXT, PART, header=b"Content-Type: multipart/mixed; boundary=b\r\nContent-Type: text/plain\r\n"
    ),
    "two content types, the multipart last": mixed(
        TEXT, PART, header=b"Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    ),
    "two boundaries, the first used": with_type(b"multipart/mixed; boundary=b; boundary=c"),
    "two boundaries, the last used": with_type(b"multipart/mixed; boundary=c; boundary=b"),
    "two content types, each with a boundary": mixed(
        TEXT, PART, header=b"Content-Type: multipart/mixed; boundary=c\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    ),
    "boundary that begins with another": HEAD
    + b"Content-Type: multipart/mixed; boundary=foo\r\n\r\n--foo\r\nContent-Type: multipart/alternative; "
    + b"boundary=foobar\r\n\r\n--foobar\r\n"
    + TEXT
    + b"--foobar--\r\n--foo\r\n"
    + PART
    + b"--foo--\r\n",
    "boundary line that only begins with the boundary": mixed(TEXT, boundary=b"bo").replace(
        b"--bo--\r\n", b"--bogus\r\n" + PART + b"--bo--\r\n"
    ),
    "boundary in pieces": mixed(
        TEXT,
        PART,
        boundary=b"onetwo",
        header=b"Content-Type: multipart/mixed;\r\n boundary*0=one;\r\n boundary*1=two\r\n",
    ),
    "boundary percent-encoded": mixed(
        TEXT, PART, boundary=b"b c", header=b"Content-Type: multipart/mixed; boundary*=us-ascii''b%20c\r\n"
    ),
    "boundary with a comment behind it": with_type(b"multipart/mixed; boundary=b (a comment)"),
    "comment before the type": with_type(b"(a comment) multipart/mixed; boundary=b"),
    "comment inside the type": with_type(b"multipart (a comment) /mixed; boundary=b"),
    "boundary in single quotes": with_type(b"multipart/mixed; boundary='b'"),
    "boundary without an end quote": with_type(b'multipart/mixed; boundary="b'),
    "boundary not declared": with_type(b"multipart/mixed"),
    "multipart called text": with_type(b"text/plain; boundary=b"),
    "folded type with an empty line of blanks": with_type(b"multipart/mixed;\r\n \r\n boundary=b"),
    "no end boundary": HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + PART,
    "attachment behind the end boundary": mixed(TEXT) + b"--b\r\n" + PART + b"--b--\r\n",
    "attachment before the first boundary": HEAD
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + PART
    + b"--b\r\n"
    + TEXT
    + b"--b--\r\n",
    "name percent-encoded and quoted": with_part(
        BINARY + IN_BASE64 + b"Content-Disposition: attachment; filename=\"a.txt\"; filename*=utf-8''eicar.com\r\n"
    ),
    "name in pieces": with_part(
        BINARY + IN_BASE64 + b"Content-Disposition: attachment; filename*0=eicar; filename*1=.com\r\n"
    ),
    "name as encoded word": with_part(
        BINARY + IN_BASE64 + b'Content-Disposition: attachment; filename="=?utf-8?B?ZWljYXIuY29t?="\r\n'
    ),
    "name with a comment": with_part(
        BINARY + IN_BASE64 + b"Content-Disposition: attachment (a comment); filename=eicar.com (b)\r\n"
    ),
    "two dispositions": with_part(BINARY + IN_BASE64 + b"Content-Disposition: inline\r\n" + NAMED),
    "two encodings, base64 first": with_part(BINARY + IN_BASE64 + b"Content-Transfer-Encoding: 7bit\r\n" + NAMED),
    "two encodings, base64 last": with_part(BINARY + b"Content-Transfer-Encoding: 7bit\r\n" + IN_BASE64 + NAMED),
    "encoding with a comment": with_part(BINARY + b"Content-Transfer-Encoding: (x) base64\r\n" + NAMED),
    "encoding not declared": with_part(BINARY + NAMED),
    "encoding unknown": with_part(BINARY + b"Content-Transfer-Encoding: x-binhex\r\n" + NAMED),
    "encoding in quotes": with_part(BINARY + b'Content-Transfer-Encoding: "base64"\r\n' + NAMED),
    "junk in base64": with_part(BINARY + IN_BASE64 + NAMED, cut(CODED, 7, b"!*-")),
    "padding early in base64": with_part(
        BINARY + IN_BASE64 + NAMED,
        base64.b64encode(EICAR[:4]) + b"\r\n" + base64.b64encode(EICAR[4:9]) + b"\r\n" + base64.b64encode(EICAR[9:]),
    ),
    "padding that belongs to nothing": with_part(BINARY + IN_BASE64 + NAMED, cut(_ONE_LINE, 8, b"=")),
    "base64 without its last padding": with_part(BINARY + IN_BASE64 + NAMED, _ONE_LINE.rstrip(b"=")),
    "one letter a line": with_part(BINARY + IN_BASE64 + NAMED, cut(_ONE_LINE, 1, b"\r\n")),
    "quoted-printable with soft breaks": with_part(
        BINARY + b"Content-Transfer-Encoding: quoted-printable\r\n" + NAMED,
        cut(b"".join(b"=%02X" % byte for byte in EICAR), 9, b"=\r\n"),
    ),
    "quoted-printable called base64 too": with_part(
        BINARY + IN_BASE64 + b"Content-Transfer-Encoding: quoted-printable\r\n" + NAMED,
        b"".join(b"=%02X" % byte for byte in EICAR),
    ),
    "LF alone": _ATTACHED.replace(b"\r\n", b"\n"),
    "CR alone": _ATTACHED.replace(b"\r\n", b"\r"),
    "LF and CR mixed": _ATTACHED.replace(b"\r\n", b"\n", 9).replace(b"\r\n", b"\r", 4),
    "blank in the empty line": _ATTACHED.replace(b"\r\n\r\n", b"\r\n \r\n"),
    "NUL in the boundary": _ATTACHED.replace(b"--b\r\n", b"--\0b\r\n"),
    "NUL in the header": _ATTACHED.replace(b"Content-Transfer", b"Content-\0Transfer"),
    "NULs in base64": with_part(BINARY + IN_BASE64 + NAMED, cut(CODED, 5, b"\0")),
    "UTF-16 with a mark": b"\xff\xfe" + _ATTACHED.decode().encode("utf-16-le"),
    "UTF-16 without a mark": _ATTACHED.decode().encode("utf-16-be"),
    "uuencode in the text": HEAD + b"Content-Type: text/plain\r\n\r\nsee below\r\n\r\n" + uuencoded() + b"\r\nbye\r\n",
    "uuencode as the encoding": with_part(BINARY + b"Content-Transfer-Encoding: x-uuencode\r\n" + NAMED, uuencoded()),
    "uuencode without an end": HEAD + b"\r\n" + uuencoded().removesuffix(b"`\nend\n"),
    "yEnc in the text": HEAD + b"Content-Type: text/plain\r\n\r\n" + yenc(),
    "message/partial": HEAD + b'Content-Type: message/partial; id="x@example"; number=1; total=2\r\n\r\n' + _INNER,
    "message/rfc822": mixed(TEXT, b"Content-Type: message/rfc822\r\n\r\n" + _INNER),
    "message/rfc822 in base64": mixed(
        TEXT, b"Content-Type: message/rfc822\r\n" + IN_BASE64 + b"\r\n" + base64.encodebytes(_INNER)
    ),
    "external body": mixed(
        TEXT,
        b"Content-Type: message/external-body; access-type=local-file\r\n\r\n" + BINARY + IN_BASE64 + b"\r\n" + CODED,
    ),
    "winmail.dat": with_part(
        b"Content-Type: application/ms-tnef; name=winmail.dat\r\n" + IN_BASE64, base64.encodebytes(winmail())
    ),
    "winmail.dat called something else": with_part(
        BINARY + IN_BASE64 + b'Content-Disposition: attachment; filename="logo.png"\r\n', base64.encodebytes(winmail())
    ),
    "50 multiparts inside one another": nested(50),
    "10,000 multiparts inside one another": nested(10_000),
    "a colon missing in the header": _ATTACHED.replace(b"Subject: variant", b"Subject variant"),
    "a space before the colon": _ATTACHED.replace(b"Content-Type:", b"Content-Type :"),
    "mbox line in front": b"From a@example.com Mon Jan  5 09:00:00 2026\r\n" + _ATTACHED,
    "type with another main type": with_type(b"Multipart/Unheard-of; BOUNDARY=b"),
}
