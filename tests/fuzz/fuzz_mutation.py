"""Inputs made from known ones by small damage; the same random numbers make the same input."""

from collections.abc import Callable, Sequence
from random import Random

LARGEST = 256 * 1024
MOST_CHANGES = 8
# Where counts, sizes and offsets break.
EDGES = (b"\x00", b"\x7f", b"\x80", b"\xff", b"\xff\xff", b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff")

Change = Callable[[bytearray, Random, Sequence[bytes]], None]


def mutated(seed: bytes, others: Sequence[bytes], chance: Random) -> bytes:
    data = bytearray(seed[:LARGEST])
    for _ in range(chance.randint(1, MOST_CHANGES)):
        chance.choice(CHANGES)(data, chance, others)
    return bytes(data[:LARGEST])


def _flip(data: bytearray, chance: Random, _: Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _edge(data: bytearray, chance: Random, _: Sequence[bytes]) -> None:
    value = chance.choice(EDGES)
    place = _place(data, chance)
    data[place : place + len(value)] = value


def _insert(data: bytearray, chance: Random, _: Sequence[bytes]) -> None:
    place = _place(data, chance)
    data[place:place] = chance.randbytes(chance.randint(1, 16))


def _delete(data: bytearray, chance: Random, _: Sequence[bytes]) -> None:
    place = _place(data, chance)
    del data[place : place + _length(chance)]


def _repeat(data: bytearray, chance: Random, _: Sequence[bytes]) -> None:
    place = _place(data, chance)
    data[place:place] = data[place : place + _length(chance)] * chance.randint(1, 4)


def _cut(data: bytearray, chance: Random, _: Sequence[bytes]) -> None:
    del data[_place(data, chance) :]


def _splice(data: bytearray, chance: Random, others: Sequence[bytes]) -> None:
    """A piece of another seed in place of one of the same length, or the end of another in place of the end."""
    other = chance.choice(others)[:LARGEST]
    place, start = _place(data, chance), chance.randrange(len(other) + 1)
    if chance.random() < 0.3:
        data[place:] = other[start:]
    else:
        piece = other[start : start + _length(chance)]
        data[place : place + len(piece)] = piece


CHANGES: tuple[Change, ...] = (_flip, _flip, _edge, _edge, _insert, _delete, _repeat, _cut, _splice, _splice)


def _place(data: bytearray, chance: Random) -> int:
    return chance.randrange(len(data) + 1)


def _length(chance: Random) -> int:
    return chance.choice((1, 2, 4, 16, 64, 256, 1024))
