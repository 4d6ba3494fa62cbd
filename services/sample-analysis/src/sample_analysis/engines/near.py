"""Which known sample a file is near to, by TLSH: variants of one file mostly differ by less than 30."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sample_analysis.engines import tlsh

NEAR = 30


class Near:
    """Digests with what they are called; all are compared at once."""

    def __init__(self, entries: Sequence[tuple[str, str]]) -> None:
        """Raises ValueError for what is no TLSH digest."""
        self._names = [name for _, name in entries]
        parts = np.array([tlsh.parts(digest) for digest, _ in entries], np.int16).reshape(-1, 4 + 128)
        self._checksums, self._lengths = parts[:, :1], parts[:, 1:2]
        self._ratios, self._levels = parts[:, 2:4], parts[:, 4:].astype(np.int8)

    def __len__(self) -> int:
        return len(self._names)

    def nearest(self, digest: str) -> tuple[int, str] | None:
        """Distance and name of the nearest one that is near; None when none is."""
        if not self._names:
            return None
        distances = self._distances(np.array(tlsh.parts(digest), np.int16))
        place = int(distances.argmin())
        return (int(distances[place]), self._names[place]) if distances[place] <= NEAR else None

    def neighbour(self, digest: str, name: str) -> tuple[int, int] | None:
        """Distance and place of the nearest one that is near and has another name."""
        distances = self._distances(np.array(tlsh.parts(digest), np.int16))
        distances[[place for place, known in enumerate(self._names) if known == name]] = NEAR + 1
        place = int(distances.argmin())
        return (int(distances[place]), place) if distances[place] <= NEAR else None

    def _distances(self, mine: NDArray[np.int16]) -> NDArray[np.int64]:
        length = _around(self._lengths - mine[1], 256)[:, 0]
        ratios = _around(self._ratios - mine[2:4], 16)
        steps = np.abs(self._levels - mine[4:].astype(np.int8))
        score = np.where(length <= 1, length, 12 * length).astype(np.int64)
        score += np.where(ratios <= 1, ratios, 12 * (ratios - 1)).sum(axis=1)
        score += self._checksums[:, 0] != mine[0]
        score += np.where(steps == 3, 6, steps).sum(axis=1)
        return score


def nearest_of(mine: Sequence[tuple[str, str]], known: Sequence[tuple[str, str]]) -> list[tuple[int, int] | None]:
    """For each of ``mine`` the distance and the place of the nearest one in ``known`` that is near.

    Both are TLSH digests with the sha256 of their file; the very same file is no neighbour of itself.
    """
    index = Near([(digest, sha256) for digest, sha256 in known])
    return [index.neighbour(digest, sha256) for digest, sha256 in mine]


def _around(difference: NDArray[np.int16], size: int) -> NDArray[np.int16]:
    return np.minimum(difference % size, -difference % size)
