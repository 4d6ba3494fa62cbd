"""What the formats have in common: bytes that are read in order, and the one cipher."""

from collections.abc import Iterator

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from caseway_kit.archives.budget import LimitReached
from caseway_kit.archives.content import CHUNK, Content, Spool

LARGEST_HEADER = 16 * 1024 * 1024


class NotOpened(Exception):
    """The password is wrong, or the archive is made in a way that is not known here."""


class Input:
    """Bytes read in order; raises NotOpened where they end too early."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise NotOpened("it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def vint(self) -> int:
        """As RAR 5 writes numbers."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
        raise NotOpened("a number is too long")

    def rest(self) -> bytes:
        return self.take(len(self.data) - self.at)


def vint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def decryptor(key: bytes, iv: bytes) -> CipherContext:
    return Cipher(AES(key), CBC(iv)).decryptor()


def decrypted(key: bytes, iv: bytes, data: bytes) -> bytes:
    return decryptor(key, iv).update(data[: len(data) & ~15])


def stream_decrypted(key: bytes, iv: bytes, content: Content, at: int, length: int) -> Iterator[bytes]:
    aes = decryptor(key, iv)
    for chunk in stream(content, at, length & ~15):
        yield aes.update(chunk)


def stream(content: Content, at: int, length: int) -> Iterator[bytes]:
    while length > 0 and (chunk := content.read(at, min(CHUNK, length))):
        at += len(chunk)
        length -= len(chunk)
        yield chunk


def cut(chunks: Iterator[bytes], length: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[:length]
        length -= min(len(chunk), length)


def gathered(chunks: Iterator[bytes]) -> Content:
    """Raises LimitReached where scratch space has no room for it: no other password would change that."""
    spool = Spool()
    try:
        for chunk in chunks:
            spool.write(chunk)
    except OSError as error:
        spool.discard()
        raise LimitReached("scratch-space", "Too large to be held when it is decrypted: it was not opened.") from error
    except BaseException:
        spool.discard()
        raise
    return spool.finish()
