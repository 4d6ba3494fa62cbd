"""A case on a terminal."""

from typing import Any

from rich.console import Console
from rich.tree import Tree

from caseway_embedded.cli.printing import shown

COLORS = {
    "malicious": "red",
    "dangerous": "red",
    "suspicious": "yellow",
    "highly-suspicious": "yellow",
    "clean": "green",
    "safe": "green",
}


def print_case(console: Console, case: dict[str, Any]) -> None:
    head = f"[bold]{case['sr_number']}[/]  {case['status']}  {case['severity']}"
    if case.get("team"):
        head += f"  {case['team']}, answer expected by {case['due_at'][:16].replace('T', ' ')} UTC"
    console.print(head, highlight=False, soft_wrap=True)
    console.print(f"  {shown(case['subject'])}", highlight=False)
    analysis = case["analysis"]
    console.print(f"  analysis {'complete' if analysis['complete'] else 'under way'}", highlight=False)
    for tree in evidence_trees(analysis):
        console.print(tree, highlight=False)


def evidence_trees(analysis: dict[str, Any]) -> list[Tree]:
    """One tree for each submitted piece: what is inside it below it, with verdicts and reasons."""
    nodes: dict[str, Tree] = {}
    roots: list[Tree] = []
    mails = {one["id"]: one for one in analysis["emails"]}
    for one in analysis["files"]:
        label = f"{_verdict(one['verdict'])} {shown(one['name'])}"
        if one["id"] in mails:
            label += f"  mail: {shown(mails[one['id']]['subject'])}"
        _attach(one, label, nodes, roots)
    for log in analysis["attk_logs"]:
        node = nodes.get(log["id"])
        if node is not None:
            node.add(f"host {shown(log['host'])}, {shown(log['os'])}: {len(log['findings'])} findings")
    for url in analysis["urls"]:
        label = f"{_verdict(url['rating'])} {shown(url['url'])}"
        _attach(url, label, nodes, roots)
    return roots


def _attach(one: dict[str, Any], label: str, nodes: dict[str, Tree], roots: list[Tree]) -> None:
    parent = nodes.get(one["parent_id"] or "")
    if parent is None:
        node = Tree(label)
        roots.append(node)
    else:
        node = parent.add(label)
    nodes[one["id"]] = node
    for reason in one["reasons"]:
        node.add(f"[dim]{shown(reason['says'])}[/]")
    for limit in one.get("limits", ()):
        node.add(f"[dim]{shown(limit['says'])}[/]")


def _verdict(verdict: str) -> str:
    color = COLORS.get(verdict, "cyan")
    return f"[{color}]{verdict}[/]"
