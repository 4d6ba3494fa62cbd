import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from intake_fakes import InMemoryLegacyRepository, Make

from caseway_contracts.base import ObjectRef
from caseway_contracts.sheets import LegacySheet
from caseway_kit.messaging import Encoded
from caseway_kit.mongo import Database, connect
from caseway_kit.objects import Objects
from caseway_kit.testing.clock import FixedClock
from intake.legacy import Legacy, LegacyRepository
from intake.mongo_legacy import MongoLegacyRepository
from intake.ports import Person
from intake.refusals import Refused

IMPORT = "/api/v1/legacy-requests"
OPERATOR = {"Authorization": "Bearer olga:vendor:operator"}


@pytest.fixture
def make_line() -> Make:
    def make(ref_id: str = "REF-0000317", **changes: Any) -> dict[str, Any]:
        line = {
            "ref_id": ref_id,
            "account_id": "acme",
            "subject": "Odd invoice",
            "submitted_at": "2016-03-01T09:00:00Z",
            "status": "Closed",
        }
        return {**line, **changes}

    return make


@pytest.fixture
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    client = connect(request.getfixturevalue("mongo_url"), app_name="test")
    yield client.database(request.getfixturevalue("mongo_database"))
    await client.close()


@pytest.fixture
def published() -> list[Encoded]:
    return []


@pytest.fixture
async def mongo_requests(
    database: Database, objects: Objects, clock: FixedClock, published: list[Encoded]
) -> MongoLegacyRepository:
    async def publish(events: Sequence[Encoded]) -> None:
        published.extend(events)

    repository = MongoLegacyRepository(database.collection("legacy_requests"), publish, objects, clock)
    await repository.prepare()
    return repository


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def requests(request: pytest.FixtureRequest) -> LegacyRepository:
    name = "legacy_requests" if request.param == "memory" else "mongo_requests"
    repository: LegacyRepository = request.getfixturevalue(name)
    return repository


async def imported(http: httpx.AsyncClient, *lines: Any) -> list[dict[str, Any]]:
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    answer = await http.post(IMPORT, content=body, headers=OPERATOR)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_record_is_imported_once_under_its_ref_id(
    requests: LegacyRepository, clock: FixedClock, person: Person, make_line: Make
) -> None:
    legacy = Legacy("01", requests=requests, clock=clock)
    assert await legacy.take(person, make_line()) == ("REF-0000317", "imported")
    clock.advance(60)
    assert await legacy.take(person, make_line()) == ("REF-0000317", "known")
    with pytest.raises(Refused) as refused:
        await legacy.take(person, make_line(subject="Something else"))
    assert refused.value.faults[0].code == "legacy.other_content"


@pytest.mark.integration
async def test_the_words_are_written_before_the_event_that_names_them(
    mongo_requests: MongoLegacyRepository,
    objects: Objects,
    published: list[Encoded],
    clock: FixedClock,
    person: Person,
    make_line: Make,
) -> None:
    await Legacy("01", requests=mongo_requests, clock=clock).take(person, make_line(product="apex-one"))
    clock.advance(60)
    await mongo_requests.relay._round()  # noqa: SLF001 - one round, without the task around it
    [event] = published
    body = json.loads(event.body)
    assert (event.key, body["account_id"], body["revision"]) == ("REF-0000317", "acme", 1)
    assert "Odd invoice" not in event.body
    sheet = await objects.get_json(ObjectRef.model_validate(body["sheet"]), LegacySheet)
    assert (sheet.subject, sheet.product) == ("Odd invoice", "apex-one")


async def test_a_bad_line_is_named_and_stops_nothing(
    http: httpx.AsyncClient, legacy_requests: InMemoryLegacyRepository, make_line: Make
) -> None:
    found = await imported(
        http,
        make_line("REF-1"),
        b"{not json",
        make_line("REF-2", subject=""),
        make_line("REF-3", extra=1),
        make_line("../../evil"),
        make_line("SR01-000000042-4"),
        make_line("REF-1"),
        make_line("REF-4", submitted_at="yesterday"),
        make_line("REF-5", account_id=None),
        make_line("REF-6", closed_at=None),
    )
    assert [one["status"] for one in found] == [201, 400, 422, 422, 422, 422, 200, 422, 422, 201]
    assert [one["line"] for one in found] == list(range(1, 11))
    assert found[3]["problem"]["errors"][0] == {
        "field": "/extra",
        "code": "field.unknown",
        "message": "Extra inputs are not permitted",
        "help": "",
    }
    assert found[8]["problem"]["errors"][0]["code"] == "required"
    assert list(legacy_requests.requests) == ["REF-1", "REF-6"]
    assert [event.account_id for event in legacy_requests.events] == ["acme", "acme"]


@pytest.mark.parametrize("role", ["customer", "account_admin", "analyst", "auditor"])
async def test_only_an_operator_imports(http: httpx.AsyncClient, make_line: Make, role: str) -> None:
    headers = {"Authorization": f"Bearer x:acme:{role}"}
    assert (await http.post(IMPORT, content=json.dumps(make_line()), headers=headers)).status_code == 403
