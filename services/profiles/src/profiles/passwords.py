import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from caseway_kit.problems import Problem

SHORTEST = 8
LONGEST = 1024
MOST_WAITING = 64


class Passwords:
    """Argon2id in a few threads; it releases the interpreter's lock while it works.

    Memory and passes are those that OWASP advises for one lane; more lanes would only let sign-ins crowd out all else.
    """

    def __init__(self, *, threads: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._waiting = 0
        # Verified where there is nobody, so that the time of an answer doesn't tell who exists.
        self._nobody = self._hasher.hash(secrets.token_hex())

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def match(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the one; as slow without a hash as with one."""
        if self._waiting >= MOST_WAITING:
            raise Problem.unavailable(1, "Many people sign in at this moment; try again.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            good = await loop.run_in_executor(self._threads, self._verify, password_hash or self._nobody, password)
        finally:
            self._waiting -= 1
        return good and password_hash is not None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False


def generated() -> str:
    return secrets.token_urlsafe(15)
