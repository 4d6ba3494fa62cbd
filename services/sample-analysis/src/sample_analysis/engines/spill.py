"""The bytes that engines found inside a piece, handed out of the sandbox for an engine that works outside of it."""

from typing import BinaryIO

from caseway_kit.archives import Content
from sample_analysis.engines.tree import Node

MOST_BYTES = 90 * 1024 * 1024
"""Below the limit of what a child of the sandbox may write."""


class Spill:
    """``index``: id of a node, where its bytes begin in the file, and how many there are."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = 0
        self.index: list[tuple[str, int, int]] = []

    def add(self, node: Node, content: Content) -> None:
        if self._end + content.size > MOST_BYTES:
            node.cut_short("antivirus-bytes", "Not given to the antivirus engine: there was too much before it.")
            return
        for chunk in content.chunks():
            self._file.write(chunk)
        self.index.append((node.id, self._end, content.size))
        self._end += content.size
