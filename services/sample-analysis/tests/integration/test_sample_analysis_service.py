"""The service as a process of its own, with its real sandbox, on real Kafka and MongoDB."""

import hashlib
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import pyzipper

from caseway_contracts.base import ObjectRef
from caseway_contracts.cases import CaseSubmitted
from caseway_contracts.results import EvidenceReport
from caseway_contracts.sheets import CaseSheet, SheetAttachment
from caseway_kit.mongo import connect
from caseway_kit.objects import Objects, new_salt, open_objects
from caseway_kit.testing.service_process import MakeService, ServiceProcess
from caseway_kit.testing.topic_log import OpenLog, TopicLog
from caseway_kit.testing.waiting import eventually, eventually_async
from sample_analysis.mongo_jobs import MongoJobRepository
from sample_analysis.reanalysis import Job, Query

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
PASSWORD = "Grüße-1"


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rules")


@pytest.fixture(scope="module")
def service(make_service: MakeService, rules: Path) -> ServiceProcess:
    more = {"SAMPLE_ANALYSIS_RULES": str(rules), "SAMPLE_ANALYSIS_WORKERS": "2"}
    return make_service("sample-analysis", CASEWAY_JWKS="http://127.0.0.1:9/jwks.json", **more)


@pytest.fixture
def objects(service: ServiceProcess) -> Objects:
    return open_objects(service.objects)


@pytest.fixture
async def log(open_log: OpenLog, service: ServiceProcess) -> TopicLog:
    return await open_log("analyses")


@pytest.fixture
def make_case(objects: Objects) -> Callable[..., Awaitable[CaseSubmitted]]:
    async def make(*samples: tuple[str, str, bytes]) -> CaseSubmitted:
        """``samples``: kind, name and bytes of each."""
        sr_number = f"SR01-{uuid4().int % 10**9:09}-0"
        words, evidence = [], []
        for kind, name, data in samples:
            sha256 = hashlib.sha256(data).hexdigest()
            ref = ObjectRef(key=f"accounts/acc-1/uploads/{uuid4()}", sha256=sha256, size=len(data))
            await objects.put(ref, data)
            evidence.append({"id": str(uuid4()), "kind": kind, "object": ref})
            words.append(SheetAttachment(evidence_id=evidence[-1]["id"], name=name, password=PASSWORD))
        sheet = CaseSheet(
            salt=new_salt(), sr_number=sr_number, subject="Help", description="?", attachments=tuple(words)
        )
        return CaseSubmitted.model_validate(
            {
                "event_id": uuid4(),
                "occurred_at": datetime.now(UTC),
                "key": sr_number,
                "account_id": "acc-1",
                "subject_id": sr_number,
                "revision": 1,
                "region": "01",
                "by": "con-1",
                "issue_type": "threat",
                "category": "infected-or-possibly-infected",
                "severity": "medium",
                "product": "apex-one",
                "catalog_version": "1",
                "profile_id": "prof-1",
                "profile_revision": 1,
                "sheet": await objects.put_json(f"cases/{sr_number}/sheet/1", sheet),
                "evidence": evidence,
            }
        )

    return make


@pytest.fixture
async def jobs(mongo_url: str) -> AsyncIterator[MongoJobRepository]:
    mongo = connect(mongo_url, app_name="tests")
    database = mongo.database("sample_analysis")
    yield MongoJobRepository(database.collection("reanalyses"), database.collection("changes"))
    await mongo.close()


@pytest.fixture
def protected_zip() -> bytes:
    out = io.BytesIO()
    with pyzipper.AESZipFile(out, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(PASSWORD.encode())
        archive.writestr("folder/eicar.com", EICAR)
        archive.writestr("readme.txt", b"nothing to see")
    return out.getvalue()


async def test_a_protected_zip_travels_from_its_case_to_its_result(
    service: ServiceProcess,
    log: TopicLog,
    objects: Objects,
    make_case: Callable[..., Awaitable[CaseSubmitted]],
    protected_zip: bytes,
) -> None:
    service.start()
    mail = b"From: a@example.com\nTo: b@example.com\nSubject: Hi\n\nSee http://phishing.test/login now.\n"
    case = await make_case(("file", "samples.zip", protected_zip), ("email", "mail.eml", mail))
    await log.state(case)
    stated = {one["subject_id"]: one for one in await log.stated(2, key=case.key)}
    zipped, mailed = (stated[piece.id] for piece in case.evidence)

    assert (zipped["type"], zipped["verdict"], zipped["files"]) == ("EvidenceAnalyzed", "malicious", 3)
    assert (zipped["caused_by"], zipped["kind"]) == (str(case.event_id), "file")
    report = await objects.get_json(ObjectRef.model_validate(zipped["report"]), EvidenceReport)
    root, *members = report.files
    [eicar] = [member for member in members if member.name == "folder/eicar.com"]
    assert (eicar.verdict, eicar.parent_id) == ("malicious", root.id)
    assert eicar.sha256 == hashlib.sha256(EICAR).hexdigest()
    assert root.sha256 == hashlib.sha256(protected_zip).hexdigest()

    assert (mailed["kind"], mailed["urls"]) == ("email", 1)
    report = await objects.get_json(ObjectRef.model_validate(mailed["report"]), EvidenceReport)
    assert [(one.id, one.subject) for one in report.emails] == [(case.evidence[1].id, "Hi")]
    words = json.dumps(list(stated.values()))
    assert not any(word in words for word in (PASSWORD, "eicar", "samples.zip", "phishing", "example.com"))


@pytest.mark.parametrize("point", ["K7", "K8"])
async def test_a_service_that_is_killed_states_the_result_once_it_is_back(
    service: ServiceProcess,
    log: TopicLog,
    make_case: Callable[..., Awaitable[CaseSubmitted]],
    protected_zip: bytes,
    point: str,
) -> None:
    service.start(CASEWAY_FAULT=f"{point}:every=1")
    case = await make_case(("file", "samples.zip", protected_zip))
    await log.state(case)
    service.is_killed()
    service.start()
    [first] = await log.stated(key=case.key)
    assert first["verdict"] == "malicious"

    known = log.count(first)
    await log.state(case)
    await log.repeated(first, known + 1)
    [run] = service.scratch.iterdir()
    assert run.match("run-*")


async def test_a_service_that_is_killed_while_it_looks_again_states_each_changed_verdict(
    service: ServiceProcess,
    log: TopicLog,
    make_case: Callable[..., Awaitable[CaseSubmitted]],
    jobs: MongoJobRepository,
    rules: Path,
) -> None:
    service.start(CASEWAY_FAULT="K5:every=1")
    marker = uuid4().hex
    cases = [await make_case(("file", "notes.txt", f"a note with {marker}".encode())) for _ in range(2)]
    other = await make_case(("file", "notes.txt", f"a note without it, but {uuid4().hex}".encode()))
    await log.state(*cases, other)
    for case in (*cases, other):
        assert [one["verdict"] for one in await log.stated(key=case.key)] == ["unknown"]

    rule = (
        f'rule marked {{ meta: verdict = "malicious" says = "It is marked." strings: $a = "{marker}" condition: $a }}'
    )
    (rules / "team.yar").write_text(rule)
    eventually(lambda: "of the teams are in force" in service.log)
    hashes = {piece.object.sha256 for case in (cases[0], other) for piece in case.evidence}
    asked = [
        Job(id=str(uuid4()), query=Query(sha256=one), dry_run=False, asked_by="op", asked_at=datetime.now(UTC))
        for one in sorted(hashes)
    ]
    for job in asked:
        await jobs.add(job)
    service.is_killed()
    service.start()

    async def done() -> list[Job]:
        found = [await jobs.find(job.id) for job in asked]
        return [job for job in found if job is not None] if all(job and job.ended_at for job in found) else []

    ended = await eventually_async(done)
    assert sum(job.failed for job in ended) == 0
    for case in cases:
        first, revised = await log.stated(2, key=case.key)
        assert (revised["revision"], revised["verdict"], revised["previous_verdict"]) == (
            *(2, "malicious"),
            first["verdict"],
        )
        assert any(engine.startswith("team-rules/") for engine in revised["engines"])
    assert len(await log.stated(key=other.key)) == 1
