"""Archives that are made to cost: what stops them is named in the result."""

import bz2
import gzip
import hashlib
import lzma
import resource
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bombs import FLAT, MIB, deflated_zeros, gzip_of, nested, quoted_overlap, seven_zip, stored_zip, tar_headers, zip_of
from quines import gzip_quine, zip_quine

from caseway_kit.sandbox import Sandbox
from sample_analysis.engine_client import BUDGET, LIMITS

Examine = Callable[..., Any]
MakeZip = Callable[[dict[str, bytes]], bytes]
HERE = Path(__file__).parent
# Until the ratio counts, and the piece in which it is found out.
MOST_HELD = 64 * MIB + 16 * MIB
MOST_MEMORY = 96 * MIB
MOST_MEMORY_OF_THE_PARENT = 50 * MIB
MOST_SECONDS = 10  # of computing


async def test_flat_bombs_stop_at_a_limit_and_cost_little(corpora: Path, open_folder: Path) -> None:
    bombs = {f"bomb.{kind}": make for kind, make in FLAT.items()}
    bombs["of-the-corpora.zip"] = (corpora / "archive-assemblyline" / "65d2eb200397b479.bin").read_bytes
    sample = open_folder / "sample"
    reached, held, seconds, memory, of_the_parent = {}, {}, {}, {}, {}
    async with Sandbox(workers=1, scratch=open_folder, paths=[HERE], preload=["measured"], ceiling=BUDGET) as sandbox:
        for name, make in bombs.items():
            assert sample.write_bytes(make()) < 4 * MIB, name
            before = resident_memory()
            found = await sandbox.run("measured:measured", name, LIMITS, sample=sample, budget=BUDGET)
            of_the_parent[name] = resident_memory() - before
            reached[name] = {limit["limit"] for file in found["report"]["files"] for limit in file["limits"]}
            held[name], seconds[name], memory[name] = found["held"], found["seconds"], found["memory_growth"]
    assert len(reached) == 15
    assert reached == {name: {"ratio"} for name in bombs}
    assert max(held.values()) <= MOST_HELD, held
    assert max(seconds.values()) <= MOST_SECONDS, seconds
    assert max(memory.values()) <= MOST_MEMORY, memory
    assert max(of_the_parent.values()) <= MOST_MEMORY_OF_THE_PARENT, of_the_parent


def resident_memory() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


@pytest.mark.parametrize("mebibytes", [1, 16])
def test_zeros_that_are_few_are_no_bomb(examine: Examine, mebibytes: int) -> None:
    report = examine(zip_of(mebibytes), "zeros.zip")
    assert report.file("zeros").size is None or report.file("zeros").size == mebibytes * MIB
    assert "ratio" not in report.limits()


def test_all_that_is_unpacked_together_is_limited(examine: Examine, make_zip: MakeZip) -> None:
    packed = make_zip({f"{number}.gz": gzip_of(8) for number in range(8)})
    report = examine(packed, "x.zip", unpacked_bytes=20 * MIB)
    assert "unpacked-bytes" in report.limits()
    assert sum(file.size or 0 for file in report.parsed.files if file.name.isdigit()) <= 20 * MIB


@pytest.mark.parametrize("files", [3, 250, 4_000])
def test_overlapping_members_are_refused_from_the_directory_alone(examine: Examine, files: int) -> None:
    bomb = quoted_overlap(files, deflated_zeros(1))
    report = examine(bomb, "overlap.zip")
    assert (report.limits(), report.names()) == ({"overlap"}, ["overlap.zip"])
    assert "overlapping-zip" in report.rules("overlap.zip")


def test_many_entries_for_one_kernel_are_refused(examine: Examine) -> None:
    """The other form of the overlap bomb, with sizes for which only the wide fields have room."""
    one = zip_of(1)
    at = one.index(b"PK\x01\x02")
    entry = bytearray(one[at:-22])
    entry[24:28] = b"\xff\xff\xff\xff"
    entry[30:32] = (12).to_bytes(2, "little")
    wide = bytes(entry) + b"\x01\x00\x08\x00" + (281 * 10**12).to_bytes(8, "little")
    end = bytearray(one[-22:])
    end[8:12] = (60_000).to_bytes(2, "little") * 2
    end[12:16] = (60_000 * len(wide)).to_bytes(4, "little")
    report = examine(one[:at] + wide * 60_000 + bytes(end), "overlap.zip")
    assert (report.limits(), report.names()) == ({"overlap"}, ["overlap.zip"])


def test_sixteen_in_each_of_five_levels_stop_at_the_number_of_files(examine: Examine, make_zip: MakeZip) -> None:
    report = examine(nested(5, make_zip, wide=16, core=bytes(MIB)), "42.zip")
    assert len(report.parsed.files) <= 501
    assert report.limits() <= {"files", "depth", "ratio", "unpacked-bytes"}
    assert report.limits()


@pytest.mark.parametrize("levels", [7, 17, 1000])
def test_nesting_stops_at_the_depth(examine: Examine, make_zip: MakeZip, levels: int) -> None:
    make = make_zip if levels < 100 else lambda members: stored_zip((b"z", data) for data in members.values())
    report = examine(nested(levels, make), "deep.zip")
    assert (len(report.parsed.files), report.limits()) == (7, {"depth"})


@pytest.mark.parametrize(("quine", "name"), [(zip_quine, "again.zip"), (gzip_quine, "again.gz")])
def test_archives_that_hold_themselves_stop_at_the_depth(
    examine: Examine, quine: Callable[[], bytes], name: str
) -> None:
    data = quine()
    report = examine(data, name)
    assert {file.sha256 for file in report.parsed.files} == {hashlib.sha256(data).hexdigest()}
    assert (len(report.parsed.files), report.limits()) == (7, {"depth"})


def test_archives_of_other_kinds_in_each_other_stop_at_the_depth(examine: Examine, make_zip: MakeZip) -> None:
    packed = b"core"
    for _ in range(2):
        packed = seven_zip(b"\x01" + struct.pack(">H", len(packed) - 1) + packed + b"\x00", len(packed))
        packed = lzma.compress(bz2.compress(gzip.compress(make_zip({"x.7z": packed}))))
    report = examine(packed, "x.xz")
    assert (len(report.parsed.files), report.limits()) == (7, {"depth"})


def test_zips_in_mails_in_zips_stop_at_the_depth(
    examine: Examine, make_zip: MakeZip, make_mail: Callable[..., bytes]
) -> None:
    packed = b"core"
    for level in range(8):
        packed = make_zip({f"{level}.eml": make_mail(attachments={f"{level}.zip": packed})})
    report = examine(packed, "x.zip")
    assert "depth" in report.limits()
    assert len(report.parsed.files) <= 8


def test_archives_of_every_kind_share_one_budget(
    examine: Examine, make_zip: MakeZip, make_mail: Callable[..., bytes]
) -> None:
    """Of bytes and of files, whatever they are in."""
    inner = make_zip({f"{number}.txt": b"x" * 100_000 for number in range(5)})
    mail = make_mail(attachments={"a.zip": inner, "b.zip": inner})
    packed = make_zip({"1.eml": mail, "2.gz": gzip_of(1), "3.7z": seven_zip(b"\x01\x00\x00x\x00", 1), "4.zip": inner})
    assert len(examine(packed, "x.zip").parsed.files) == 24
    few = examine(packed, "x.zip", files=9)
    assert (len(few.parsed.files), "files" in few.limits()) == (10, True)
    small = examine(packed, "x.zip", unpacked_bytes=1_300_000)
    assert "unpacked-bytes" in small.limits()


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_many_members_stop_at_their_number(examine: Examine, kind: str) -> None:
    if kind == "zip":
        packed = stored_zip((b"%d" % number, b"") for number in range(100_000))
    else:
        headers = b"".join(tar_headers(2048))
        packed = gzip_of(500, headers)
    report = examine(packed, f"many.{kind}")
    assert len(report.parsed.files) <= 501
    assert report.limits() & {"files", "members"}


def test_many_members_of_one_name_and_names_that_are_long_end_in_a_result(examine: Examine) -> None:
    same = examine(stored_zip((b"same", b"%d" % number) for number in range(65_535)), "same.zip")
    assert "ambiguous-zip" in same.rules("same.zip")
    assert "files" in same.limits()
    long = examine(stored_zip((b"%d" % number + b"n" * 65_000, b"x") for number in range(20)), "long.zip")
    assert len(long.parsed.files) == 21
    assert max(len(file.name) for file in long.parsed.files) <= 1024


def test_bomb_in_what_a_directory_leaves_out_is_counted_too(examine: Examine) -> None:
    """Other readings of an ambiguous zip spend the same budget."""
    hidden = zip_of(1024)
    report = examine(hidden[: hidden.index(b"PK\x01\x02")] + zip_of(1), "x.zip")
    assert "ratio" in report.limits()
