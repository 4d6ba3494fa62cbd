"""The results of one submitted piece while they grow: nodes in the order found, verdicts rising to the parents."""

from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from caseway_contracts.kinds import Verdict, worst_verdict
from caseway_contracts.results import (
    AttkLogResult,
    EmailResult,
    FileResult,
    FoundUrl,
    Limit,
    Reason,
)
from caseway_kit.archives import LimitReached

LIMITS_KEPT = 50
REASONS_KEPT = 100


@dataclass
class Node:
    """One piece of bytes. ``own`` is its own verdict, before its children are looked at."""

    id: str
    parent_id: str | None
    name: str
    kind: str = "file"
    own: Verdict = "unknown"
    verdict: Verdict = "unknown"
    keep: bool = True
    facts: dict[str, Any] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)

    def found(self, reason: Reason, verdict: Verdict = "unknown") -> None:
        if len(self.reasons) < REASONS_KEPT:
            self.reasons.append(reason)
        self.own = verdict if self.own == "not_analyzed" else worst_verdict([self.own, verdict])

    def cut_short(self, limit: str, says: str) -> None:
        entry = Limit(limit=limit, says=says)
        if entry not in self.limits and len(self.limits) < LIMITS_KEPT:
            self.limits.append(entry)

    def stopped_by(self, reached: LimitReached) -> None:
        self.cut_short(reached.limit, reached.says)

    def not_analyzed(self, limit: str, says: str) -> None:
        """Nothing could be found out; what was found before stands."""
        self.cut_short(limit, says)
        if self.own == "unknown" and not self.reasons:
            self.own = "not_analyzed"


@dataclass
class Tree:
    """All nodes, parents before their children, and what was read out of them."""

    nodes: list[Node] = field(default_factory=list)
    mails: dict[str, dict[str, Any]] = field(default_factory=dict)
    attk_logs: dict[str, dict[str, Any]] = field(default_factory=dict)
    urls: dict[str, FoundUrl] = field(default_factory=dict)
    urls_truncated: bool = False

    def add(self, node: Node) -> Node:
        self.nodes.append(node)
        return node

    def child(self, parent: Node, place: str, name: str) -> Node:
        return self.add(Node(id=child_id(parent.id, place), parent_id=parent.id, name=name))

    def drop(self, node: Node) -> None:
        """Take back a node that has no children."""
        if self.nodes[-1] is node:
            self.nodes.pop()
        else:
            self.nodes = [each for each in self.nodes if each is not node]

    def add_url(self, parent: Node, url: str) -> str:
        found = FoundUrl(id=child_id(parent.id, f"url/{url}"), parent_id=parent.id, url=url)
        self.urls[found.id] = found
        return found.id

    def prune(self, since: int) -> None:
        """Forget the nodes from ``since`` on that say nothing and lead to none that does."""
        needed: set[str | None] = {url.parent_id for url in self.urls.values()}
        kept: list[Node] = []
        for node in reversed(self.nodes[since:]):
            if node.id in needed or node.reasons or node.limits or node.keep or node.id in self.mails:
                kept.append(node)
                needed.add(node.parent_id)
        self.nodes[since:] = reversed(kept)

    def settle(self) -> None:
        """Let every verdict rise: a parent's is at least its worst child's, and names that child."""
        worst: dict[str | None, Node] = {}
        for node in reversed(self.nodes):
            node.verdict = node.own
            if (child := worst.get(node.id)) is not None:
                node.verdict = worst_verdict([node.own, child.verdict])
                if node.verdict != node.own and child.verdict in ("malicious", "suspicious"):
                    node.reasons.append(_inherited(child))
            known = worst.get(node.parent_id)
            if known is None or worst_verdict([known.verdict, node.verdict]) == node.verdict:
                worst[node.parent_id] = node

    def plain(self) -> dict[str, Any]:
        self.settle()
        by_id = {node.id: node for node in self.nodes}
        return {
            "files": [_file(node) for node in self.nodes],
            "emails": [_shared(EmailResult, by_id[key], facts) for key, facts in self.mails.items() if key in by_id],
            "attk_logs": [_shared(AttkLogResult, by_id[key], facts) for key, facts in self.attk_logs.items()],
            "urls": [url.model_dump(mode="json") for url in self.urls.values()],
            "urls_truncated": self.urls_truncated,
        }


def child_id(parent_id: str, place: str) -> str:
    """The same place in the same piece has the same id, however often it is analysed."""
    try:
        namespace = UUID(parent_id)
    except ValueError:
        namespace = uuid5(NAMESPACE_URL, parent_id)
    return str(uuid5(namespace, place.encode("utf-8", "backslashreplace").decode()))


def _inherited(child: Node) -> Reason:
    says = f"Something inside is {child.verdict}."
    return Reason(engine="caseway-analysis", version="1", rule="worst-inside", where=_sayable(child.name), says=says)


def _file(node: Node) -> dict[str, Any]:
    return FileResult(
        id=node.id,
        parent_id=node.parent_id,
        kind=node.kind,
        name=_sayable(node.name),
        verdict=node.verdict,
        reasons=tuple(node.reasons),
        limits=tuple(node.limits),
        **node.facts,
    ).model_dump(mode="json", by_alias=True)


def _shared(model: type[EmailResult] | type[AttkLogResult], node: Node, facts: dict[str, Any]) -> dict[str, Any]:
    """A mail or an ATTK log stands in its own list too, under the same id and with the same verdict."""
    result = model(
        id=node.id,
        parent_id=node.parent_id,
        verdict=node.verdict,
        reasons=tuple(node.reasons),
        limits=tuple(node.limits),
        **facts,
    )
    return result.model_dump(mode="json", by_alias=True)


def _sayable(text: str) -> str:
    """Text that can be stored and sent: no halves of characters."""
    return text.encode("utf-8", "replace").decode()
