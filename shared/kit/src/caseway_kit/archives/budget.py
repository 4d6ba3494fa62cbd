"""How much one submitted piece may unpack to, all that is inside it together: one budget, handed down."""

import time
from dataclasses import dataclass, field

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Defaults as the project ships them; plain data, so that a caller outside the sandbox can choose others."""

    unpacked_bytes: int = 400 * MIB
    ratio: int = 50
    ratio_from_bytes: int = 64 * MIB
    files: int = 500
    listed: int = 10_000
    depth: int = 6
    password_tries: int = 50
    password_seconds: float = 20.0
    seconds: float = 150.0
    cpu_seconds: float = 50.0


class LimitReached(Exception):
    """A limit stopped the reading; that is a result, with a name and a sentence for the case."""

    def __init__(self, limit: str, says: str) -> None:
        super().__init__(says)
        self.limit = limit
        self.says = says


@dataclass
class Budget:
    """What one submitted piece of ``piece_bytes`` has used; every ``spend_`` and ``check_`` may raise LimitReached."""

    limits: Limits = field(default_factory=Limits)
    piece_bytes: int = 0
    bytes_out: int = 0
    files_out: int = 0
    started: float = field(default_factory=time.monotonic)
    cpu_started: float = field(default_factory=time.process_time)

    def spend_bytes(self, count: int) -> None:
        limits = self.limits
        self.bytes_out += count
        if self.bytes_out > limits.unpacked_bytes:
            raise LimitReached("unpacked-bytes", f"Unpacking stopped at {limits.unpacked_bytes // MIB} MiB.")
        if self.bytes_out > limits.ratio_from_bytes and self.bytes_out > limits.ratio * self.piece_bytes:
            raise LimitReached("ratio", f"Unpacking stopped: more than {limits.ratio} times the size of what was sent.")
        self.check_time()

    def spend_file(self) -> None:
        if self.files_out >= self.limits.files:
            raise LimitReached("files", f"Only the first {self.limits.files} files were taken out.")
        self.files_out += 1
        self.check_time()

    def check_listed(self, listed: int) -> None:
        if listed >= self.limits.listed:
            raise LimitReached("members", f"Only the first {self.limits.listed:,} members of the archive were read.")

    def check_depth(self, depth: int) -> None:
        if depth >= self.limits.depth:
            raise LimitReached("depth", f"Not opened: nested more than {self.limits.depth} deep.")

    def check_time(self) -> None:
        if time.monotonic() - self.started > self.limits.seconds:
            raise LimitReached("time", f"Stopped after {self.limits.seconds:g} seconds.")
        # Somewhat before the sandbox would kill the child and all that it has found with it.
        if time.process_time() - self.cpu_started > self.limits.cpu_seconds:
            raise LimitReached("time", f"Stopped after {self.limits.cpu_seconds:g} seconds of computing.")
