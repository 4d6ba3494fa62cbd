"""A submitted piece and everything inside it: what it is, what the rules say, and what can be taken out of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from caseway_kit.archives import Budget, Content, FileType, LimitReached, Limits, detect
from caseway_kit.archives.content import Opened
from sample_analysis.engines import archives, attk, inspectors, mails, names, outlook, polyglots, team_rules, yara
from sample_analysis.engines.hashing import hashes
from sample_analysis.engines.inspection import surviving
from sample_analysis.engines.mailing import union, winmail
from sample_analysis.engines.spill import Spill
from sample_analysis.engines.tree import Node, Tree
from sample_analysis.engines.versions import versions


@dataclass
class Job:
    """What the engines share while they work on one submitted piece."""

    budget: Budget
    passwords: tuple[str, ...]
    tree: Tree = field(default_factory=Tree)
    package: attk.Package | None = None
    guesses: tuple[str, ...] = ()
    """Passwords that were not given as such: words of the mail around an archive."""
    kind: str = "file"
    spill: Spill | None = None
    taken_from_mails: union.Seen = field(default_factory=union.Seen)

    def examine(self, node: Node, content: Content, depth: int, nesting: int = 0) -> None:
        """Find out about ``node``, then about what is inside it; limits become results."""
        node.facts.update(hashes(content))
        self.judge(node, content, depth, nesting)

    def judge(self, node: Node, content: Content, depth: int, nesting: int = 0) -> None:
        found = detect(content, node.name)
        node.facts["type"] = found.mime
        node.keep = found.susceptible or found.family in ("mail", "archive")
        if team_rules.in_force.lists.judge(node):
            return
        if self.spill:
            self.spill.add(node, content)
        yara.scan(node, content)
        names.judge(node, found)
        self.look_into(node, content, found, depth, nesting)
        with surviving(node):
            polyglots.judge(self, node, content, found, depth, nesting)

    def look_into(self, node: Node, content: Content, found: FileType, depth: int, nesting: int = 0) -> None:
        """``content`` as what it was found to be, which may be one of several things that ``node`` is."""
        inspectors.inspect(self, node, content, found, depth, nesting)
        self._open(node, content, found, depth, nesting)

    def _open(self, node: Node, content: Content, found: FileType, depth: int, nesting: int) -> None:
        inside: Callable[..., None] | None = None
        called_one = (self.kind == "email" and node.parent_id is None) or node.name.lower().endswith(".eml")
        if mails.is_mail(found, content, called_one=called_one):
            inside = mails.read
        elif mails.is_outlook(found, node.name, called_one=called_one):
            inside = outlook.read
        elif found.mime == "application/vnd.ms-tnef":
            inside = winmail.read
        elif found.members:
            inside = archives.read
        if inside is None:
            return
        since, broken = len(self.tree.nodes), True
        with surviving(node):
            try:
                inside(self, node, content, found, depth, nesting)
            except LimitReached as reached:
                node.stopped_by(reached)
            broken = False
        if broken and len(self.tree.nodes) == since and node.own == "unknown" and not node.reasons:
            node.own = "not_analyzed"


def analyze(
    source: Opened | str | Path,
    evidence_id: str,
    name: str = "",
    kind: str = "file",
    passwords: Sequence[str] = (),
    limits: Mapping[str, Any] | None = None,
    output: BinaryIO | None = None,
) -> dict[str, Any]:
    """An ``EvidenceReport`` without salt, case and revision, and with ``engines``; plain data, for the sandbox.

    ``limits``: fields of the kit's ``Limits`` that differ from the default. ``output`` takes the bytes of each piece
    that was found, for an engine outside; ``spilled`` then lists them.
    """
    with Content.of(source) as content:
        budget = Budget(limits=Limits(**(limits or {})), piece_bytes=content.size)
        job = Job(budget=budget, passwords=tuple(passwords), kind=kind)
        if output is not None:
            job.spill = Spill(output)
        if kind == "attk_log":
            job.package = attk.Package()
        root = job.tree.add(Node(id=evidence_id, parent_id=None, name=name))
        job.examine(root, content, depth=0)
    if job.package is not None:
        attk.conclude(job.package, job.tree, root)
    spilled = {"spilled": job.spill.index} if job.spill else {}
    return {"evidence_id": evidence_id, "kind": kind, **job.tree.plain(), **spilled, "engines": list(versions())}
