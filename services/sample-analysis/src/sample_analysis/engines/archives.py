"""The members of an archive as children of its node."""

from typing import TYPE_CHECKING

from caseway_contracts.results import Reason
from caseway_kit.archives import (
    Content,
    FileType,
    LimitReached,
    Member,
    NotAnArchive,
    PasswordNeeded,
    Spool,
    Unreadable,
    library,
    open_archive,
)
from caseway_kit.archives.reading import Archive, list_locked
from sample_analysis.engines.hashing import Hasher
from sample_analysis.engines.tree import Node

if TYPE_CHECKING:
    from sample_analysis.engines.files import Job

_LOCKED = "Protected with a password that is not known."
_UNSUPPORTED = "Encrypted in a way that cannot be opened here."


def read(job: "Job", node: Node, content: Content, found: FileType, depth: int, nesting: int) -> None:
    """Raises LimitReached for what stops the whole archive; what concerns one member stands with that member."""
    job.budget.check_depth(depth)
    # Office files and Java packages are one thing to their user: only members that say something are listed.
    one_thing = found.mime != "application/zip" and content.head(2) == b"PK"
    since = len(job.tree.nodes)
    try:
        with open_archive(content, budget=job.budget, passwords=job.passwords, name=node.name, found=found) as archive:
            _check(node, archive)
            _Walk(job, node, archive, depth, nesting, counted=not one_thing).run()
    except PasswordNeeded as needed:
        node.not_analyzed("password", _LOCKED if needed.supported else _UNSUPPORTED)
        _list_locked(job, node, content)
    except NotAnArchive:
        return
    except Unreadable:
        if len(job.tree.nodes) > since or found.family != "archive":
            node.cut_short("damaged", "The archive is damaged: what could be read of it was analysed.")
        else:
            node.not_analyzed("damaged", "The archive is damaged or not complete: nothing could be read of it.")
    finally:
        if one_thing:
            job.tree.prune(since)


def _check(node: Node, archive: Archive) -> None:
    if archive.layout.overlapping:
        raise LimitReached("overlap", "Not unpacked: its members share the same bytes, as those of a bomb do.")
    if archive.ambiguous:
        node.found(
            Reason(
                engine="caseway-archives",
                version=library.version(),
                rule="ambiguous-zip",
                where=", ".join(archive.ambiguous),
                says="Different programs take different members out of this zip; both sides were analysed.",
            )
        )


class _Walk:
    def __init__(self, job: "Job", node: Node, archive: Archive, depth: int, nesting: int, *, counted: bool) -> None:
        self._job = job
        self._node = node
        self._archive = archive
        self._depth = depth
        self._nesting = nesting
        self._counted = counted
        self._seen: set[tuple[str, object]] = set()
        self._named: set[str] = set()

    def run(self) -> None:
        for member in self._archive.members():
            if member.kind == "directory":
                continue
            if self._counted:
                self._job.budget.spend_file()
            child = self._job.tree.child(self._node, f"{member.index}/{member.path}", member.path)
            if member.kind != "file":
                child.not_analyzed("link", "A link or device, not a file: reported and never followed.")
                continue
            self._take_out(member, child)

    def _take_out(self, member: Member, child: Node) -> None:
        taken = _Taken()
        try:
            for chunk in member.chunks():
                taken.write(chunk)
            child.facts.update(taken.hasher.facts())
        except PasswordNeeded:
            child.not_analyzed("password", _LOCKED)
        except Unreadable:
            # Hashes of a part would name another file.
            child.cut_short("damaged", "The member is damaged: only what could be read of it was analysed.")
        except LimitReached as reached:
            child.not_analyzed(reached.limit, reached.says)
            taken.spool.discard()
            raise
        if taken.cut:
            child.cut_short("scratch-space", "Too large to be held: only its beginning was looked into.")
        with taken.spool.finish() as content:
            self._analyze(member, child, content)

    def _analyze(self, member: Member, child: Node, content: Content) -> None:
        if self._is_repeat(member, child) or child.own == "not_analyzed":
            return
        if self._job.package is not None:
            self._job.package.take(member.path, content, child, self._job.budget)
        self._job.judge(child, content, self._depth + 1, self._nesting)

    def _is_repeat(self, member: Member, child: Node) -> bool:
        """An ambiguous zip is read twice; what both readings give is told once."""
        if not self._archive.ambiguous:
            return False
        sha256 = child.facts.get("sha256")
        if (member.path, sha256) in self._seen or (sha256 is None and member.path in self._named):
            self._job.tree.drop(child)
            return True
        self._seen.add((member.path, sha256))
        self._named.add(member.path)
        return False


class _Taken:
    """A member on its way out: hashed whole, held as far as there is room."""

    def __init__(self) -> None:
        self.hasher = Hasher()
        self.spool = Spool()
        self.cut = False

    def write(self, chunk: bytes) -> None:
        self.hasher.update(chunk)
        if not self.cut:
            try:
                self.spool.write(chunk)
            except OSError:
                # The sandbox gives a job only so much scratch space.
                self.cut = True


def _list_locked(job: "Job", node: Node, content: Content) -> None:
    try:
        for member in list_locked(content, budget=job.budget, name=node.name):
            if member.kind == "file":
                job.budget.spend_file()
                child = job.tree.child(node, f"{member.index}/{member.path}", member.path)
                child.not_analyzed("password", _LOCKED)
    except Unreadable:
        # Its directory is encrypted too, or damaged: there are no names to tell.
        return
