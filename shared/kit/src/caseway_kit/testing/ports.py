import socket
from collections.abc import Iterator
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"


@contextmanager
def held_port() -> Iterator[int]:
    """A port of the loopback that nobody else is given meanwhile.

    It is bound here and not listened at: the kernel gives it to no one who asks for any port, and lets in a server that
    sets SO_REUSEADDR, as servers do; also the next one, when the first has died.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((LOOPBACK, 0))
        yield held.getsockname()[1]
