"""One step that fails, or is stopped, costs what is told about that step, and nothing beside it."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from caseway_kit.archives import LimitReached, protected_zip
from sample_analysis.engines import archives, attk, mails, polyglots
from sample_analysis.engines.mails import Parts
from sample_analysis.engines.tree import Node, Tree

Examine = Callable[..., Any]
MakeZip = Callable[[dict[str, bytes]], bytes]
MakeMail = Callable[..., bytes]
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + bytes(6) + b"!\xf9\x04" + bytes(300)


def breaking(error: BaseException) -> Callable[..., None]:
    def step(*_: object, **__: object) -> None:
        raise error

    return step


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        (struct.error("unpack requires more bytes"), "damaged"),
        (IndexError(), "damaged"),
        (MemoryError(), "memory"),
        (RecursionError(), "nesting"),
    ],
)
def test_member_that_breaks_its_reader_costs_only_itself(
    examine: Examine,
    make_zip: MakeZip,
    make_mail: MakeMail,
    eicar: bytes,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    limit: str,
) -> None:
    monkeypatch.setattr(mails, "read", breaking(error))
    report = examine(make_zip({"a.eml": make_mail(), "eicar.com": eicar}), "a.zip")
    assert (report.root.verdict, report.file("eicar.com").verdict) == ("malicious", "malicious")
    assert report.file("a.eml").verdict == "not_analyzed"
    assert [each.limit for each in report.file("a.eml").limits] == [limit]


def test_search_for_other_types_that_breaks_is_a_limit(
    examine: Examine, eicar: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polyglots, "other_sides", breaking(struct.error()))
    report = examine(eicar, "eicar.com")
    assert (report.root.verdict, report.limits()) == ("malicious", {"damaged"})


@pytest.mark.parametrize("error", [ValueError(), LimitReached("time", "Over.")])
def test_report_that_breaks_its_reader_is_still_looked_at(
    examine: Examine, make_zip: MakeZip, eicar: bytes, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(attk.Package, "take", breaking(error))
    report = examine(make_zip({"scanreport.xml": eicar, "b.txt": b"b"}), "a.zip", "attk_log")
    assert report.file("scanreport.xml").verdict == "malicious"
    assert "b.txt" in report.names()


def test_passwords_that_time_leaves_out_are_a_limit_of_time(examine: Examine) -> None:
    packed = protected_zip({"a.txt": b"content of a"}, "geheim")
    assert examine(packed, "a.zip", password_seconds=-1).limits() >= {"password", "password-time"}
    assert "password-time" not in examine(packed, "a.zip").limits()


def test_archive_in_bytes_of_no_known_type_is_told_and_no_reason_to_suspect(examine: Examine) -> None:
    start = struct.pack("<QQI", 0, 0, 0)
    header = b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start
    report = examine(b"\x01\x02\x03\xff" * 500 + header + b"\xfe\xdc" * 500, "memory.dmp")
    assert (report.root.verdict, report.rules("memory.dmp")) == ("unknown", ["archive-inside"])


def test_endless_beginnings_of_archives_end_in_a_limit(examine: Examine) -> None:
    assert "archive-beginnings" in examine(GIF + b"7z\xbc\xaf\x27\x1c" * 1001, "a.gif").limits()


def zip_with_gaps(count: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(count + 1):
            archive.writestr(f"{number}.txt", b"text")
            if number < count:
                out.write(b"hidden between members %d" % number)
                archive.start_dir = out.tell()
    return out.getvalue()


@pytest.mark.parametrize(("count", "told"), [(20, False), (21, True)])
def test_gaps_that_are_not_looked_into_are_told(examine: Examine, count: int, *, told: bool) -> None:
    report = examine(zip_with_gaps(count), "a.zip")
    assert ("gaps" in report.limits()) is told
    assert sum(name.startswith("bytes at") for name in report.names()) == 20


def test_signs_of_fraud_are_judged_in_a_mail_of_too_many_parts(
    examine: Examine, make_mail: MakeMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[Parts] = []
    monkeypatch.setattr(Parts, "judge", lambda parts: judged.append(parts))
    raw = make_mail(attachments={f"{number}.bin": b"\x00" for number in range(4)})
    assert "files" in examine(raw, "mail.eml", files=2).limits()
    assert len(judged) == 1


def test_child_is_taken_back_wherever_it_stands() -> None:
    tree = Tree()
    root = tree.add(Node(id="1", parent_id=None, name=""))
    first, second = tree.child(root, "a", "a"), tree.child(root, "b", "b")
    tree.drop(first)
    assert tree.nodes == [root, second]
    tree.drop(second)
    assert tree.nodes == [root]


def test_archive_that_there_is_no_room_to_open_is_not_analyzed(
    examine: Examine, make_zip: MakeZip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "open_archive", breaking(LimitReached("scratch-space", "No room.")))
    report = examine(make_zip({"a": b"a"}), "a.zip")
    assert (report.root.verdict, report.limits()) == ("not_analyzed", {"scratch-space"})
