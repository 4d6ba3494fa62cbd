from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caseway_contracts.base import ObjectRef
from caseway_contracts.sheets import Recipient
from caseway_kit.objects import ObjectDamaged, ObjectMissing, Objects, open_objects


@pytest.fixture(params=["file", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    return open_objects(f"file://{tmp_path}/objects" if request.param == "file" else "memory://")


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_a_json_object_is_named_by_its_hash_and_comes_back(objects: Objects) -> None:
    words = Recipient(id="r1", address="ann@customer.example")
    ref = await objects.put_json("cases/SR/sheet/1", words)
    assert ref.key == f"cases/SR/sheet/1-{ref.sha256}.json"
    assert await objects.put_json("cases/SR/sheet/1", words) == ref
    assert await objects.get_json(ref, Recipient) == words


async def test_an_object_is_never_overwritten(objects: Objects) -> None:
    ref = await objects.put_json("a", Recipient(id="1", address="x"))
    await objects.put(ref, b"something else")
    assert (await objects.get_json(ref, Recipient)).id == "1"


async def test_an_object_that_is_not_what_its_reference_says_is_named_damaged(objects: Objects, tmp_path: Path) -> None:
    ref = ObjectRef(key="a.json", sha256="0" * 64, size=2)
    await objects.put(ref, b"{}")
    with pytest.raises(ObjectDamaged):
        await objects.get_json(ref, Recipient)
    with pytest.raises(ObjectDamaged):
        await objects.fetch("a.json", tmp_path / "copy", "0" * 64)


async def test_a_stream_comes_back_whole(objects: Objects, tmp_path: Path) -> None:
    await objects.put_stream("big", chunks(b"a" * 9_000_000, b"b"))
    await objects.fetch("big", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"a" * 9_000_000 + b"b"


async def test_a_stream_that_breaks_off_leaves_nothing_under_its_key(objects: Objects) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a" * 9_000_000
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await objects.put_stream("big", broken())
    assert not await objects.exists("big")


async def test_a_missing_object_is_missing_and_deleting_it_is_no_error(objects: Objects) -> None:
    with pytest.raises(ObjectMissing):
        await objects.get_json(ObjectRef(key="nothing", sha256="0" * 64, size=0), Recipient)
    await objects.delete("nothing")


async def test_a_copy_stands_by_itself(objects: Objects, tmp_path: Path) -> None:
    await objects.put_stream("one", chunks(b"x"))
    await objects.copy("one", "two")
    await objects.delete("one")
    await objects.fetch("two", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"x"
