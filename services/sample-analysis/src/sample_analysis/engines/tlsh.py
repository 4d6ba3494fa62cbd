"""TLSH, the hash whose digests are near each other where the files are (window 5, 128 buckets, 1-byte checksum: "T1").

Written after Oliver, Cheng, Chen: "TLSH - A Locality Sensitive Hash" (CTC 2013) and held to the digests of its
reference implementation (github.com/trendmicro/tlsh, Apache-2.0 or BSD-3-Clause), which needs a compiler to install.
"""

import math
import os
import re
from typing import Any

# Before numpy is imported: no thread pool of linear algebra, which nothing here uses, in a process that forks.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

_MIN_SIZE = 50
_BUCKETS = 128
_PIECE = 64 * 1024  # at a time: a few MB of arrays whatever the size of a chunk, and as fast as larger ones
_DIGEST = re.compile(r"(?:T1)?([0-9A-Fa-f]{70})")

# The permutation of Pearson's hash.
_PEARSON = bytes.fromhex(
    "0157310cb0b266a679c10654f9e62ca30ec5d5b5a155da5040ef18e2ec8e26c86eb168678dfdff324d6551122d601fde196bbe46"
    "56edf02248f214d6f4e395eb61ea39163cfa52afd0057fc76f3e87f8aea9d33a429a6ac3f5ab11bbb6b300f38438944b80859e64"
    "827e5b0d99f6d8db7744df4e5358c9637a0b5c208872340a8a1e30b79c233d1a8f4afb5e81a23f98aa0773a7f1ce0396373b97dc"
    "5a3517837dad0fee4f5f59106989e1e0d9a0257b7649029d2e74099186e4cfd4cad745e51bbc437ca8fc2a041d6c15f713cd27cb"
    "e928ba93c6c09b21a4bf62cca5b4754c8c24d2ac29369f08b9e871c4e72f927833411c90fedd5dbdc28b702b476db8d1"
)


def _salted(salt: int) -> bytes:
    return bytes(_PEARSON[_PEARSON[salt] ^ byte] for byte in range(256))


# Each window of five bytes counts six of its triplets: the newest byte and those so many places before it.
_TRIPLETS = [
    (_salted(salt), second, third)
    for salt, second, third in [(2, 1, 2), (3, 1, 3), (5, 2, 3), (7, 2, 4), (11, 1, 4), (13, 3, 4)]
]
_CHECKSUM = _salted(0)


def _checksum_states() -> list[list[Any]]:
    """The checksum as a machine: state[byte] is the next state, state[256] the checksum that it stands for.

    Each step needs the one before it, so this cannot be done on arrays; a walk is the fastest that Python has.
    """
    states: list[list[Any]] = [[] for _ in range(256)]
    for checksum, state in enumerate(states):
        state.extend(states[_PEARSON[byte ^ checksum]] for byte in range(256))
        state.append(checksum)
    return states


_STATES = _checksum_states()


class Tlsh:
    """Takes bytes as they pass by; the digest does not depend on how they were cut."""

    def __init__(self) -> None:
        self._counts = np.zeros(256, np.int64)
        self._state = _STATES[0]
        self._tail = b""
        self._size = 0

    def update(self, data: bytes) -> None:
        self._size += len(data)
        for start in range(0, len(data), _PIECE):
            seen = self._tail + data[start : start + _PIECE]
            self._tail = seen[-4:]
            windows = len(seen) - 4
            if windows > 1 and seen == seen[:1] * len(seen):
                # Padding, by which samples are blown up beyond the limits of scanners: all windows are the same.
                self._count(seen[:5], windows)
            elif windows > 0:
                self._count(seen)

    def hexdigest(self) -> str | None:
        """None for what is too short or too uniform to have one."""
        buckets = self._counts[np.frombuffer(_PEARSON, np.uint8).argsort()][:_BUCKETS]
        q1, q2, q3 = (int(quartile) for quartile in np.sort(buckets)[[31, 63, 95]])
        if self._size < _MIN_SIZE or q3 == 0 or np.count_nonzero(buckets) <= _BUCKETS // 2:
            return None
        levels = (buckets > q1).astype(np.uint8) + (buckets > q2) + (buckets > q3)
        body = np.packbits(levels[::-1, None] >> np.array([1, 0], np.uint8) & 1).tobytes()
        checksum, length = self._state[256], _length_class(self._size)
        # The two digits of these bytes stand in the reverse order in a digest.
        head = f"{checksum:02X}"[::-1] + f"{length:02X}"[::-1] + f"{q1 * 100 // q3 % 16:X}{q2 * 100 // q3 % 16:X}"
        return f"T1{head}{body.hex().upper()}"

    def _count(self, seen: bytes, times: int = 1) -> None:
        window = np.frombuffer(seen, np.uint8)
        before = [window[4 - places : len(seen) - places] for places in range(5)]
        newest = seen[4:]
        # The last step of Pearson's hash is left to hexdigest, which takes it for 256 counts at once.
        marks = np.empty((len(_TRIPLETS), len(newest)), np.uint8)
        for row, (salted, second, third) in zip(marks, _TRIPLETS, strict=True):
            np.bitwise_xor(_permuted(newest.translate(salted), before[second]), before[third], out=row)
        self._counts += _histogram(marks.reshape(-1)) * times
        steps = _permuted(newest.translate(_CHECKSUM), before[1]).tobytes()
        self._state = _walk(self._state, steps) if times == 1 else _walk_in_circles(self._state, steps[0], times)


def distance(one: str, other: str) -> int:
    """0 for equal digests, mostly below 100 for variants of a file. Raises ValueError for what is no digest."""
    ones, others = parts(one), parts(other)
    length = _around(ones[1] - others[1], 256)
    score = length if length <= 1 else 12 * length
    for mine, theirs in zip(ones[2:4], others[2:4], strict=True):
        ratio = _around(mine - theirs, 16)
        score += ratio if ratio <= 1 else 12 * (ratio - 1)
    steps = (abs(mine - theirs) for mine, theirs in zip(ones[4:], others[4:], strict=True))
    return score + (ones[0] != others[0]) + sum(6 if step == 3 else step for step in steps)


def parts(digest: str) -> list[int]:
    """Checksum, length class, two ratios, 128 levels. Raises ValueError for what is no digest."""
    if not (match := _DIGEST.fullmatch(digest)):
        raise ValueError("this is no TLSH digest")
    hexes = match[1]
    body = bytes.fromhex(hexes[6:])
    levels = [byte >> shift & 3 for byte in body for shift in (0, 2, 4, 6)]
    return [int(hexes[1::-1], 16), int(hexes[3:1:-1], 16), int(hexes[4], 16), int(hexes[5], 16), *levels]


def _around(difference: int, size: int) -> int:
    return min(difference % size, -difference % size)


def _permuted(salted: bytes, second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    mixed = np.frombuffer(salted, np.uint8) ^ second
    return np.frombuffer(mixed.tobytes().translate(_PEARSON), np.uint8)


def _walk(state: list[Any], steps: bytes) -> list[Any]:
    for step in steps:
        state = state[step]
    return state


def _walk_in_circles(state: list[Any], step: int, times: int) -> list[Any]:
    """The same step again and again leads back to where it began, as it is a permutation."""
    circle = [state]
    while (following := circle[-1][step]) is not state:
        circle.append(following)
    return circle[times % len(circle)]


def _histogram(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    if len(values) < 1 << 16:
        return np.bincount(values, minlength=256)
    # Two at a time: counting costs by the number of values.
    pairs = np.bincount(values.view(np.uint16), minlength=1 << 16).reshape(256, 256)
    counts: NDArray[np.int64] = pairs.sum(axis=0) + pairs.sum(axis=1)
    return counts


def _length_class(size: int) -> int:
    """The logarithm of the size, in steps of half, then a third, then a tenth; in single precision as published."""
    logarithm = float(np.float32(math.log(np.float32(size))))
    if size <= 656:
        return int(logarithm / 0.4054651)
    if size <= 3199:
        return int(logarithm / 0.26236426 - 8.72777)
    return int(logarithm / 0.095310180 - 62.5472) & 0xFF
