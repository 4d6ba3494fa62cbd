from dataclasses import replace

import httpx
import pytest
from portal_fakes import InMemoryLegacyRepository, Make

from caseway_contracts.cases import CaseErased, LegacyRequestImported
from caseway_contracts.sheets import LegacySheet
from caseway_kit.objects import Objects
from portal.legacy import LegacyProjection, LegacyQuery, LegacyRepository, place_of
from portal.library import Library
from portal.listing import words_of

SALT = "5" * 32


@pytest.fixture
def imported(make_event: Make, objects: Objects) -> Make:
    async def imported(ref_id: str, subject: str, year: int = 2016, account_id: str = "a1") -> LegacyRequestImported:
        sheet = LegacySheet.model_validate(
            {"salt": SALT, "ref_id": ref_id, "subject": subject, "submitted_at": f"{year}-03-01T09:00:00Z"}
        )
        ref = await objects.put_json(f"cases/{ref_id}/sheet/1", sheet)
        event: LegacyRequestImported = make_event(
            LegacyRequestImported, sr_number=ref_id, sheet=ref, account_id=account_id
        )
        return event

    return imported


@pytest.fixture
async def three(legacy: LegacyRepository, library: Library, imported: Make) -> LegacyRepository:
    events = [
        await imported("REF-1", "Odd invoice", 2015),
        await imported("REF-2", "Invoice from nobody", 2016),
        await imported("REF-3", "Their invoice", 2014, "a2"),
    ]
    await LegacyProjection(legacy, library).apply(events)
    return legacy


async def listed(legacy: LegacyRepository, query: LegacyQuery, account_id: str | None = "a1") -> list[str]:
    return [one.ref_id for one in await legacy.listed(query, account_id)]


async def test_records_show_to_their_account_alone_the_youngest_first(three: LegacyRepository) -> None:
    assert await listed(three, LegacyQuery()) == ["REF-2", "REF-1"]
    assert await listed(three, LegacyQuery(), "a2") == ["REF-3"]
    assert await listed(three, LegacyQuery(), None) == ["REF-2", "REF-1", "REF-3"]
    assert await three.find("REF-3", "a1") is None
    assert await three.find("REF-3", None) is not None


async def test_records_are_found_by_ref_id_and_words(three: LegacyRepository) -> None:
    assert await listed(three, LegacyQuery(words=words_of("REF-1"))) == ["REF-1"]
    assert await listed(three, LegacyQuery(words=words_of("invo nob"))) == ["REF-2"]
    assert await listed(three, LegacyQuery(words=words_of("nothing"))) == []


async def test_pages_of_records_follow_one_another(three: LegacyRepository) -> None:
    query, found = LegacyQuery(limit=1), []
    while page := await three.listed(query, None):
        found.append(page[0].ref_id)
        query = replace(query, after=place_of(page[0]))
    assert found == ["REF-2", "REF-1", "REF-3"]


async def test_a_repeated_record_changes_nothing_and_an_erased_one_is_gone(
    three: LegacyRepository, library: Library, imported: Make, make_event: Make
) -> None:
    projection = LegacyProjection(three, library)
    await projection.apply([await imported("REF-1", "Another subject", 2017)])
    assert [one.subject for one in await three.listed(LegacyQuery(), "a1")] == ["Invoice from nobody", "Odd invoice"]
    await projection.apply([make_event(CaseErased, revision=2, sr_number="REF-1")])
    assert await listed(three, LegacyQuery()) == ["REF-2"]


async def test_a_script_reads_the_table(
    client: httpx.AsyncClient, memory_legacy: InMemoryLegacyRepository, library: Library, imported: Make
) -> None:
    events = [await imported("REF-1", "Odd", 2015), await imported("REF-3", "Theirs", 2014, "a2")]
    await LegacyProjection(memory_legacy, library).apply(events)
    answer = (await client.get("/api/v1/legacy-requests", params={"q": "odd"})).json()
    assert [one["ref_id"] for one in answer["items"]] == ["REF-1"]
    assert (await client.get("/api/v1/legacy-requests/REF-1")).json()["subject"] == "Odd"
    assert (await client.get("/api/v1/legacy-requests/REF-3")).status_code == 404
    assert (await client.get("/api/v1/legacy-requests", params={"q": "()"})).json()["items"] == []
