"""Numbers and types of MAPI properties, which TNEF and ``.msg`` both hold."""

SUBJECT = 0x0037
INTERNET_HEADERS = 0x007D
SENDER_NAME = 0x0C1A
SENDER_ADDRESS = 0x0C1F
SENDER_SMTP = 0x5D01
SENT_NAME = 0x0042
SENT_ADDRESS = 0x0065
SENT_SMTP = 0x5D02
CLIENT_SUBMIT_TIME = 0x0039
DELIVERY_TIME = 0x0E06
BODY = 0x1000
RTF = 0x1009
HTML = 0x1013
DISPLAY_NAME = 0x3001
ADDRESS = 0x3003
SMTP_ADDRESS = 0x39FE
ATTACH_DATA = 0x3701
ATTACH_FILENAME = 0x3704
ATTACH_METHOD = 0x3705
ATTACH_LONG_FILENAME = 0x3707
INTERNET_CODEPAGE = 0x3FDE
MESSAGE_CODEPAGE = 0x3FFD

TEXT8 = 0x001E
TEXT16 = 0x001F
BINARY = 0x0102
OBJECT = 0x000D
VARIABLE = frozenset((TEXT8, TEXT16, BINARY, OBJECT))
SIZES = {0x2: 4, 0x3: 4, 0x4: 4, 0x5: 8, 0x6: 8, 0x7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}


def text(kind: int, data: bytes, charset: str = "cp1252") -> str:
    shown = data.decode("utf-16-le" if kind == TEXT16 else charset, "replace")
    return shown.split("\0", 1)[0] if kind != TEXT16 or "\0" in shown[-1:] else shown
