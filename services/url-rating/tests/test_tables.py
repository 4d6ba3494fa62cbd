import random
from pathlib import Path

import pytest

from url_rating.expressions import digest
from url_rating.lists import ListEntry
from url_rating.table_building import KEPT, MOST_SETS, PARTS, TableBuilder, TooManyCombinations
from url_rating.tables import MAGIC, DamagedTable, Table


def entry(number: int, score: int = 49, *categories: int) -> ListEntry:
    return ListEntry(digest(f"host{number}.example/"), score, categories or (75,))


def table(folder: Path, *lots: list[ListEntry]) -> Table:
    with TableBuilder(folder) as builder:
        for lot in lots:
            builder.add(lot)
        builder.write(folder / "table")
    return Table(folder / "table")


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 1_000, 20_000])
def test_every_entry_is_found_and_nothing_else(tmp_path: Path, count: int) -> None:
    entries = [entry(number, number % 71, number % 5 + 1) for number in range(count)]
    random.Random(7).shuffle(entries)
    written = table(tmp_path, entries[: count // 2], entries[count // 2 :])
    assert written.entries == count
    assert all(written.find(one.digest) == one for one in entries)
    assert not any(written.find(digest(f"other{number}.example/")) for number in range(1_000))


def test_key_inside_another_entry_is_not_taken_for_one(tmp_path: Path) -> None:
    # The end of one entry and the start of the next read as this key.
    one, other = bytes(16) + bytes(16), bytes(15) + b"\x01" + bytes(16)
    across = bytes(13) + b"\x31\x00\x00" + bytes(16)
    written = table(tmp_path, [ListEntry(one, 0x31, (75,)), ListEntry(other, 0x31, (75,))])
    assert written.find(across) is None
    assert written.find(other) == ListEntry(other, 0x31, (75,))


def test_entries_of_one_hash_become_one(tmp_path: Path) -> None:
    written = table(tmp_path, [entry(1, 90, 58), entry(2)], [entry(1, 49, 75, 58), entry(1, 60, 9), entry(2)])
    assert written.find(digest("host1.example/")) == entry(1, 49, 9, 58, 75)
    assert written.entries == 2


def test_what_does_not_fit_into_memory_waits_on_disk(tmp_path: Path) -> None:
    # All in one of the parts, and more than is kept of it.
    numbers = random.Random(1).sample(range(2**40), 5_000)
    same = [ListEntry(bytes([7]) + number.to_bytes(15) + bytes(16), 49, (75,)) for number in numbers]
    with TableBuilder(tmp_path) as builder:
        builder.add(same)
        assert sum(map(len, builder._kept)) < KEPT  # noqa: SLF001 - the bound that is tested
        assert list(tmp_path.iterdir()) == []
        assert builder.write(tmp_path / "table") == len(same)
    written = Table(tmp_path / "table")
    assert all(written.find(one.digest) == one for one in same)
    assert PARTS * KEPT <= 16 * 2**20


def test_endless_sets_of_categories_are_refused(tmp_path: Path) -> None:
    with TableBuilder(tmp_path) as builder, pytest.raises(TooManyCombinations):
        builder.add([entry(number, 49, number) for number in range(1, MOST_SETS + 2)])


@pytest.mark.parametrize("content", [b"x" * 100, MAGIC[:-1] + b"2" * 100])
def test_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "table").write_bytes(content)
    with pytest.raises(DamagedTable):
        Table(tmp_path / "table")
