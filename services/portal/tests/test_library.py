from portal_fakes import SR, Make

from caseway_contracts.base import ObjectRef
from caseway_contracts.sheets import UpdateSheet
from caseway_kit.objects import Objects
from portal.library import Library, Model


class Counting:
    """An object store that counts what is read from it."""

    def __init__(self, objects: Objects) -> None:
        self.reads = 0
        self._objects = objects

    async def get_json(self, ref: ObjectRef, model: type[Model]) -> Model:
        self.reads += 1
        return await self._objects.get_json(ref, model)


async def test_an_object_is_read_once_until_it_is_forgotten(objects: Objects, put: Make) -> None:
    counting, ref = Counting(objects), await put(UpdateSheet, update_id="u1", comment="Words")
    library = Library(counting)
    first, second = await library.read(ref, UpdateSheet), await library.read(ref, UpdateSheet)
    assert first is second
    assert counting.reads == 1
    await objects.delete(ref.key)
    library.forget(f"cases/{SR}/")
    assert await library.read(ref, UpdateSheet) is None


async def test_what_was_not_used_for_longest_goes_first(objects: Objects, put: Make) -> None:
    refs = [await put(UpdateSheet, update_id=f"u{number}") for number in range(3)]
    counting = Counting(objects)
    library = Library(counting, most_bytes=refs[0].size * 2)
    for ref in (refs[0], refs[1], refs[0], refs[2], refs[0]):
        await library.read(ref, UpdateSheet)
    assert counting.reads == 3
    await library.read(refs[1], UpdateSheet)
    assert counting.reads == 4


async def test_a_damaged_object_is_as_good_as_none(objects: Objects, put: Make) -> None:
    ref = await put(UpdateSheet, update_id="u1")
    assert await Library(objects).read(ref.model_copy(update={"sha256": "0" * 64}), UpdateSheet) is None
