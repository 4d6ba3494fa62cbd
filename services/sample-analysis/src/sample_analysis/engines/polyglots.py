"""Samples that are two things at once: both are told, and both are looked into."""

from typing import TYPE_CHECKING

from caseway_contracts.results import Reason
from caseway_kit.archives import Content, FileType
from caseway_kit.archives.polyglots import Side, other_sides, part
from sample_analysis.engines.tree import Node

if TYPE_CHECKING:
    from sample_analysis.engines.files import Job

VERSION = "2"


def judge(job: "Job", node: Node, content: Content, found: FileType, depth: int, nesting: int) -> None:
    for side in other_sides(content, found, job.budget.check_time):
        node.found(_reason(found, side), "unknown" if _is_ordinary(found, side) else "suspicious")
        node.keep = True
        if side.type.zip and found.zip:
            # Its members are taken out with the type that was found first.
            continue
        if not side.at:
            job.look_into(node, content, side.type, depth, nesting)
            continue
        try:
            with part(content, side.at) as behind:
                job.look_into(node, behind, side.type, depth, nesting)
        except OSError:
            node.cut_short("scratch-space", "Too large to be held: its second type was not looked into.")


def _is_ordinary(found: FileType, side: Side) -> bool:
    """A program that unpacks itself, as installers do, or one file of many in the memory or firmware of a machine."""
    return side.type.family == "archive" and (
        found.family == "executable" or (found.family == "unknown" and bool(side.at))
    )


def _reason(found: FileType, side: Side) -> Reason:
    if _is_ordinary(found, side) and found.family == "unknown":
        rule, says = "archive-inside", f"An archive ({side.type.mime}) begins inside of it; it was analysed too."
    elif _is_ordinary(found, side):
        rule, says = "self-extracting", f"A program with an archive in it ({side.type.mime})."
    else:
        rule = "polyglot"
        says = f"To some programs this is {found.mime}, to others {side.type.mime}; it was analysed as both."
    where = f"offset {side.at}" if side.at else ""
    return Reason(engine="caseway-types", version=VERSION, rule=rule, where=where, says=says)
