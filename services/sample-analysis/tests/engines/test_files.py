import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid5

import pytest

from caseway_kit.archives import protected_zip
from caseway_kit.archives.writing import Encryption

Examine = Callable[..., Any]
MakeZip = Callable[[dict[str, bytes]], bytes]
MIB = 1024 * 1024


def test_file_has_hashes_size_and_type(examine: Examine) -> None:
    data = b"A text that is long enough to have a fuzzy hash too, and then some more of it. " * 4
    root = examine(data, "notes.txt").root
    assert (root.sha256, root.sha1) == (hashlib.sha256(data).hexdigest(), hashlib.sha1(data).hexdigest())
    assert (root.md5, root.size, root.type) == (hashlib.md5(data).hexdigest(), len(data), "text/plain")
    assert root.tlsh.startswith("T1")
    assert (root.verdict, root.parent_id, root.reasons) == ("unknown", None, ())


def test_eicar_is_malicious_and_says_which_rule_found_it(examine: Examine, eicar: bytes) -> None:
    [reason] = examine(eicar, "eicar.com").root.reasons
    assert (reason.rule, reason.engine, reason.where) == ("eicar_test_file", "caseway-rules", "offset 0")
    assert reason.version


@pytest.mark.parametrize("encryption", ["zipcrypt", "aes256"])
@pytest.mark.parametrize("password", ["infected", "geheim"])
def test_members_of_a_protected_zip_are_children(
    examine: Examine, eicar: bytes, encryption: Encryption, password: str
) -> None:
    packed = protected_zip({"a.txt": b"harmless", "d/eicar.com": eicar}, password, encryption=encryption)
    report = examine(packed, "samples.zip", passwords=("geheim",))
    assert report.names() == ["samples.zip", "a.txt", "d/eicar.com"]
    assert [file.verdict for file in report.parsed.files] == ["malicious", "unknown", "malicious"]
    assert {file.parent_id for file in report.parsed.files[1:]} == {report.root.id}
    assert report.file("d/eicar.com").sha256 == hashlib.sha256(eicar).hexdigest()
    assert report.rules("samples.zip") == ["worst-inside"]


def test_the_same_piece_gives_the_same_answer(examine: Examine, eicar: bytes) -> None:
    packed = protected_zip({"eicar.com": eicar}, "infected")
    first, second = examine(packed, "x.zip"), examine(packed, "x.zip")
    assert first.plain == second.plain
    assert first.file("eicar.com").id == str(uuid5(UUID(first.root.id), "0/eicar.com"))


def test_zip_that_no_password_opens_is_not_analyzed_but_named(examine: Examine) -> None:
    report = examine(protected_zip({"a.txt": b"x"}, "geheim"), "x.zip", passwords=("wrong",))
    assert [(file.name, file.verdict) for file in report.parsed.files] == [
        ("x.zip", "not_analyzed"),
        ("a.txt", "not_analyzed"),
    ]
    assert report.limits() == {"password"}


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_eicar_is_found_in_every_nesting_up_to_the_limit(
    examine: Examine, make_zip: MakeZip, eicar: bytes, depth: int
) -> None:
    packed = eicar
    for level in range(depth):
        packed = make_zip({f"level{level}": packed})
    report = examine(packed, "nested.zip")
    assert (report.root.verdict, len(report.parsed.files), report.limits()) == ("malicious", depth + 1, set())


@pytest.mark.parametrize("depth", [7, 8, 17])
def test_deeper_nesting_ends_in_a_named_limit(examine: Examine, make_zip: MakeZip, eicar: bytes, depth: int) -> None:
    packed = eicar
    for level in range(depth):
        packed = make_zip({f"level{level}": packed})
    report = examine(packed, "nested.zip")
    assert (len(report.parsed.files), report.limits()) == (7, {"depth"})


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_eicar_is_found_in_every_kind_of_archive(examine: Examine, eicar: bytes, mode: str) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]  # the mode is data here
        info = tarfile.TarInfo("eicar.com")
        info.size = len(eicar)
        archive.addfile(info, io.BytesIO(eicar))
    assert examine(out.getvalue(), "x.tar").file("eicar.com").verdict == "malicious"


def test_bomb_stops_while_it_streams(examine: Examine) -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(deflate.compress(b"\x00" * MIB) for _ in range(200)) + deflate.flush()
    report = examine(bomb, "zeros.gz")
    assert report.limits() == {"ratio"}
    assert [file.verdict for file in report.parsed.files] == ["unknown", "not_analyzed"]


def test_number_of_files_is_limited(examine: Examine, make_zip: MakeZip) -> None:
    report = examine(make_zip({f"{number}.txt": b"x" for number in range(30)}), "x.zip", files=10)
    assert (len(report.parsed.files), report.limits()) == (11, {"files"})


def test_one_budget_covers_all_that_is_inside(examine: Examine, make_zip: MakeZip) -> None:
    inner = [make_zip({f"{number}.txt": b"x" for number in range(5)}) for _ in range(4)]
    report = examine(make_zip({f"{number}.zip": data for number, data in enumerate(inner)}), "x.zip", files=12)
    assert len(report.parsed.files) == 13
    assert "files" in report.limits()


def test_time_is_limited(examine: Examine, make_zip: MakeZip) -> None:
    assert "time" in examine(make_zip({"a.txt": b"x"}), "x.zip", seconds=0).limits()


def test_large_member_goes_through_a_file_without_a_name(examine: Examine, make_zip: MakeZip) -> None:
    content = os.urandom(9 * MIB)
    report = examine(make_zip({"inner.zip": make_zip({"large.bin": content})}), "x.zip")
    assert report.file("large.bin").sha256 == hashlib.sha256(content).hexdigest()


def test_links_are_named_and_not_followed(examine: Examine) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        link = tarfile.TarInfo("passwd")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    passwd = examine(out.getvalue(), "x.tar").file("passwd")
    assert (passwd.verdict, passwd.sha256, [limit.limit for limit in passwd.limits]) == ("not_analyzed", None, ["link"])


def test_damaged_archive_is_not_analyzed_and_says_so(examine: Examine) -> None:
    report = examine(b"PK\x03\x04" + b"\xff" * 500, "x.zip")
    assert (report.root.verdict, report.limits()) == ("not_analyzed", {"damaged"})


def test_ambiguous_zip_has_both_sides_analysed(examine: Examine, make_zip: MakeZip, eicar: bytes) -> None:
    packed = make_zip({"hidden.com": eicar}) + make_zip({"shown.txt": b"harmless"})
    report = examine(packed, "x.zip")
    assert "ambiguous-zip" in report.rules("x.zip")
    assert {"hidden.com", "shown.txt"} <= set(report.names())
    assert report.root.verdict == "malicious"


def test_office_file_lists_only_the_members_that_say_something(
    examine: Examine, make_zip: MakeZip, eicar: bytes
) -> None:
    office = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>", "word/embeddings/x.bin": eicar}
    report = examine(make_zip(office), "a.docx")
    assert report.names() == ["a.docx", "word/embeddings/x.bin"]
    assert report.root.verdict == "malicious"


@pytest.mark.parametrize(
    ("name", "data", "rule"),
    [
        ("invoice.pdf.exe", b"MZ\x00\x00", "double-extension"),
        ("cod\u202excod.exe", b"MZ\x00\x00", "reversed-name"),
        ("photo.jpg", b"MZ\x90\x00" + bytes(100), "name-says-otherwise"),
    ],
)
def test_names_that_deceive_are_suspicious(examine: Examine, name: str, data: bytes, rule: str) -> None:
    report = examine(data, name)
    assert report.root.verdict == "suspicious"
    assert rule in report.rules(name)


@pytest.mark.parametrize("name", ["a\ud800b.txt", "", "x" * 5000, "../../etc/passwd"])
def test_odd_names_do_no_harm(examine: Examine, name: str) -> None:
    assert examine(b"text", name).root.verdict == "unknown"
