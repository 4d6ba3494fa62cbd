"""A ``winmail.dat`` as a container: its items are children of its node."""

from typing import TYPE_CHECKING

from caseway_kit.archives import Content, FileType
from sample_analysis.engines.mailing import tnef
from sample_analysis.engines.tree import Node

if TYPE_CHECKING:
    from sample_analysis.engines.files import Job

READ = 64 * 1024 * 1024


def read(job: "Job", node: Node, content: Content, _found: FileType, depth: int, nesting: int) -> None:
    job.budget.check_depth(depth)
    if content.size > READ:
        node.cut_short("mail-size", f"Only the first {READ // 1024 // 1024} MiB were taken apart.")
    try:
        for number, item in enumerate(tnef.items(content.head(READ))):
            # An empty file that has a name is one that was attached.
            held = [data for data in (item.data, *item.others) if data] or [b""] * bool(item.name or item.title)
            for data in held:
                name = item.name or item.title or f"item {number}"
                job.budget.spend_file()
                job.budget.spend_bytes(len(data))
                child = job.tree.child(node, f"{number}/{name}", name[:1024])
                job.examine(child, Content.of_bytes(data), depth + 1, nesting)
    except tnef.Damaged:
        node.cut_short("damaged", "It is damaged or not complete: what could be read of it was analysed.")
