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
from sample_analysis.engines.inspection import surviving
from sample_analysis.engines.tree import Node

if TYPE_CHECKING:
    from sample_analysis.engines.files import Job

_LOCKED = "Protected with a password that is not known."
_SOME_LOCKED = "Some of its members are protected with a password that is not known."
_DAMAGED = "The member is damaged: only what could be read of it was analysed."
_UNSUPPORTED = "Encrypted in a way that cannot be opened here."

# Tried after what the customer and the mail say: the words that samples are most often packed with.
COMMON = ("password", "1234", "12345", "123456", "malware", "Password1!", "test", "virus123", "sample", "abc123")
_GAPS = 20
_LARGEST_GAP = 16 * 1024 * 1024
_SMALLEST_GAP = 8


def read(job: "Job", node: Node, content: Content, found: FileType, depth: int, nesting: int) -> None:
    """Raises LimitReached for what stops the whole archive; what concerns one member stands with that member."""
    job.budget.check_depth(depth)
    # Office files and Java packages are one thing to their user: only members that say something are listed.
    one_thing = found.mime != "application/zip" and content.head(2) == b"PK"
    since = len(job.tree.nodes)
    try:
        guesses = (*job.guesses, *COMMON)
        with open_archive(
            content, budget=job.budget, passwords=job.passwords, guesses=guesses, name=node.name, found=found
        ) as archive:
            _check(node, archive)
            walk = _Walk(job, node, archive, depth, nesting, counted=not one_thing)
            walk.run()
            walk.look_between(content)
    except PasswordNeeded as needed:
        node.not_analyzed("password", _LOCKED if needed.supported else _UNSUPPORTED)
        _tell_time(node, needed)
        _list_locked(job, node, content)
    except NotAnArchive:
        return
    except LimitReached as reached:
        if reached.limit == "scratch-space" and len(job.tree.nodes) == since:
            node.not_analyzed(reached.limit, reached.says)
        raise
    except Unreadable as error:
        if error.unsupported:
            node.cut_short(
                "unsupported", "Packed in a way that cannot be opened here: what could be read was analysed."
            )
        elif len(job.tree.nodes) > since or found.family != "archive":
            node.cut_short("damaged", "The archive is damaged: what could be read of it was analysed.")
        else:
            node.not_analyzed("damaged", "The archive is damaged or not complete: nothing could be read of it.")
    finally:
        if one_thing:
            job.tree.prune(since)


def _check(node: Node, archive: Archive) -> None:
    if archive.layout.overlapping:
        _tell(node, "overlapping-zip", archive, "Its members share the same bytes, as only those of a bomb do.")
        raise LimitReached("overlap", "Not unpacked: its members share the same bytes, as those of a bomb do.")
    oddities = set(archive.ambiguous)
    if archive.type.mime != "application/zip":
        # Of a program that unpacks itself, or of another type with a zip behind it, that is told as such.
        oddities.discard("data-before-the-start")
    if archive.layout.cut:
        node.cut_short("gaps", "Not all that lies between its members was searched for more of them.")
    if oddities:
        says = "Different programs take different members out of this zip; both sides were analysed."
        _tell(node, "ambiguous-zip", archive, says)


def _tell_time(node: Node, needed: PasswordNeeded) -> None:
    if needed.out_of_time:
        node.cut_short("password-time", "Not all passwords could be tried in the time there is.")


def _tell(node: Node, rule: str, archive: Archive, says: str) -> None:
    where = ", ".join(archive.ambiguous)
    node.found(Reason(engine="caseway-archives", version=library.version(), rule=rule, where=where, says=says))


class _Walk:
    def __init__(self, job: "Job", node: Node, archive: Archive, depth: int, nesting: int, *, counted: bool) -> None:
        self._job = job
        self._node = node
        self._archive = archive
        self._depth = depth
        self._nesting = nesting
        self._counted = counted
        self._seen: set[tuple[str, object]] = set()
        self._locked = False
        # A second type of the same bytes can hold members in the same places.
        self._within = "" if archive.type.mime == node.facts.get("type") else f"{archive.type.mime}:"

    def run(self) -> None:
        for member in self._archive.members():
            if member.kind == "directory":
                continue
            if self._counted:
                self._job.budget.spend_file()
            child = self._job.tree.child(self._node, f"{self._within}{member.index}/{member.path}", member.path)
            if member.kind != "file":
                child.not_analyzed("link", "A link or device, not a file: reported and never followed.")
                continue
            self._take_out(member, child)

        if self._locked:
            self._node.cut_short("password", _SOME_LOCKED)

    def look_between(self, content: Content) -> None:
        """Bytes of a zip that belong to no member: they open to nobody, and still arrive."""
        looked_into = 0
        for start, end in self._archive.layout.gaps:
            length = min(end - start, _LARGEST_GAP)
            if start == 0 or length < _SMALLEST_GAP:
                continue
            self._job.budget.check_time()
            hidden = content.read(start, length)
            if not hidden.strip(b"\x00"):
                continue
            if looked_into == _GAPS:
                self._node.cut_short("gaps", f"Only the first {_GAPS} places between its members were looked into.")
                return
            looked_into += 1
            self._job.budget.spend_file()
            child = self._job.tree.child(self._node, f"{self._within}between/{start}", f"bytes at {start}")
            child.facts["size"] = length
            if length < end - start:
                child.cut_short("gaps", f"Only its first {_LARGEST_GAP // 1024 // 1024} MiB were looked into.")
            self._job.examine(child, Content.of_bytes(hidden), self._depth + 1, self._nesting)

    def _take_out(self, member: Member, child: Node) -> None:
        taken = _Taken()
        try:
            for chunk in member.chunks():
                taken.write(chunk)
            child.facts.update(taken.hasher.facts())
        except PasswordNeeded as needed:
            self._locked = True
            child.not_analyzed("password", _LOCKED)
            _tell_time(child, needed)
        except Unreadable as error:
            # Hashes of a part would name another file.
            if error.unsupported:
                child.not_analyzed("unsupported", "Packed in a way that cannot be opened here.")
            else:
                child.cut_short("damaged", _DAMAGED)
        except LimitReached as reached:
            child.not_analyzed(reached.limit, reached.says)
            taken.spool.discard()
            raise
        if taken.cut:
            child.cut_short("scratch-space", "Too large to be held: only its beginning was looked into.")
        with taken.spool.finish() as content:
            if self._is_repeat(member, taken):
                self._job.tree.drop(child)
            elif child.own != "not_analyzed":
                self._analyze(member, child, content)

    def _analyze(self, member: Member, child: Node, content: Content) -> None:
        if self._job.package is not None:
            with surviving(child):
                self._job.package.take(member.path, content, child, self._job.budget)
        self._job.judge(child, content, self._depth + 1, self._nesting)

    def _is_repeat(self, member: Member, taken: "_Taken") -> bool:
        """An ambiguous zip is read in several ways; what more than one of them gives is told once."""
        if not self._archive.ambiguous:
            return False
        this = (member.path, taken.hasher.facts()["sha256"])
        if this in self._seen:
            return True
        self._seen.add(this)
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
