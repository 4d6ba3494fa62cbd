"""One look into one piece by one inspector: what it may tell and take out, and that it ends."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import can_ada

from caseway_contracts.kinds import Verdict
from caseway_contracts.results import Reason
from caseway_kit.archives import Content, FileType, LimitReached
from sample_analysis.engines.tree import Node

if TYPE_CHECKING:
    from sample_analysis.engines.files import Job

CPU_SECONDS = 20.0
URLS_KEPT = 1000
WHERE_CHARACTERS = 300
LONGEST_URL = 8192


class TimeIsUp(BaseException):
    """Not an Exception, so that no parser takes it for damage in the sample and goes on."""


@dataclass
class Inspection:
    job: "Job"
    node: Node
    content: Content
    found: FileType
    depth: int
    nesting: int
    engine: str
    version: str
    links: int = 0
    locked: bool = False

    def tell(self, rule: str, says: str, where: str = "", verdict: Verdict = "unknown") -> None:
        """A fact with the place where a person finds it; the same fact at the same place is told once."""
        where = "".join(letter if letter.isprintable() else "·" for letter in where[:WHERE_CHARACTERS])
        reason = Reason(engine=self.engine, version=self.version, rule=rule, where=where, says=says)
        if reason not in self.node.reasons:
            self.node.found(reason, verdict)

    def suspect(self, rule: str, says: str, where: str = "") -> None:
        self.tell(rule, says, where, "suspicious")

    def take_out(self, place: str, name: str, data: bytes) -> None:
        """Examine ``data`` as a child that was found at ``place``."""
        self.job.budget.check_depth(self.depth)
        self.job.budget.spend_file()
        self.job.budget.spend_bytes(len(data))
        child = self.job.tree.child(self.node, place, name[:1024])
        self.job.examine(child, Content.of_bytes(data), self.depth + 1, self.nesting)
        child.keep = True

    def lock(self) -> None:
        """No password opens it: what else is told of it are facts about its shell."""
        self.node.cut_short("password", "Protected with a password that is not known.")
        self.tell("encrypted-document", "The document is encrypted with a password.")
        self.locked = True

    @property
    def passwords(self) -> tuple[str, ...]:
        return (*self.job.passwords, *self.job.guesses)

    def link(self, url: str) -> None:
        """Hand out a URL to be rated; nothing is fetched."""
        url = url.strip()[:LONGEST_URL]
        if not url.lower().startswith(("http://", "https://", "ftp://")) or not can_ada.can_parse(url):
            return
        if self.links >= URLS_KEPT:
            self.job.tree.urls_truncated = True
            self.node.cut_short("urls", f"Only the first {URLS_KEPT:,} links were kept.")
            return
        self.links += 1
        self.job.tree.add_url(self.node, url)


def run(inspection: Inspection, inspect: Callable[[Inspection], None]) -> None:
    """Whatever the parsers behind ``inspect`` do with hostile bytes, what was found before stands."""
    node = inspection.node
    try:
        with _within(CPU_SECONDS), surviving(node):
            inspect(inspection)
    except TimeIsUp:
        node.cut_short("parser-time", f"Looking into it was stopped after {CPU_SECONDS:g} seconds of computing.")
    if inspection.locked and node.own == "unknown":
        node.own = "not_analyzed"


@contextmanager
def surviving(node: Node) -> Iterator[None]:
    """One step of an inspection: when it fails that is a result, and the steps after it are still taken."""
    try:
        yield
    except LimitReached as reached:
        node.stopped_by(reached)
    except MemoryError:
        node.cut_short("memory", "Looking into it would have taken more memory than a parser gets.")
    except RecursionError:
        node.cut_short("nesting", "It is nested too deep to be looked into to its end.")
    except Exception:
        # Parsers of other people's making raise anything; the corpora tests list what ends here.
        node.cut_short("damaged", "It is damaged or built in a way that could not be taken apart to its end.")


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Ends pure Python that computes for longer; nested uses belong to the outermost. No-op beside the main thread."""
    if threading.current_thread() is not threading.main_thread() or signal.getitimer(signal.ITIMER_VIRTUAL)[0]:
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _end)
    # Again and again, in case that a parser swallows the first.
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _end(*_: object) -> None:
    raise TimeIsUp
