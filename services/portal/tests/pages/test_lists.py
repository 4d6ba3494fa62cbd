"""Lists, their file, and the operator's page."""

import csv
import io

import pytest
from case_fakes import FakeLog, FakeServices
from page_fakes import Tab
from portal_fakes import SR, Make

from caseway_contracts.routes import CaseStatusChanged
from portal.export import safe_cell
from portal.projection import Projection

OTHER = "SR01-000000043-5"


@pytest.fixture
async def two(projection: Projection, submit: Make, make_event: Make) -> None:
    """One of ours with a formula for its subject, one of another account."""
    await projection.apply(
        [
            await submit(subject='=cmd|"/c calc"!A1'),
            make_event(CaseStatusChanged, status="waiting_on_customer"),
            await submit(sr_number=OTHER, subject="Theirs", account_id="a2"),
        ]
    )


@pytest.mark.parametrize(
    "query",
    [
        "status[$ne]=x",
        "status=%7B%22%24ne%22%3A1%7D",
        "category=$where",
        "verdict=nothing",
        "sort=listed.account_id",
        "sort=-severity&cursor=AAAA",
        "cursor=%00",
        "q=%24where",
        "q=" + "a" * 5000,
        "status=open&status=closed",
    ],
)
async def test_an_address_that_makes_no_sense_shows_nothing_of_others(tab: Tab, two: None, query: str) -> None:
    for path in ("/requests", "/requests.csv"):
        answer = await tab.get(f"{path}?{query}")
        assert answer.status_code == 200
        assert "Theirs" not in answer.text
        assert OTHER not in answer.text


async def test_a_list_says_why_it_is_empty(tab: Tab, tabs: Make, two: None) -> None:
    assert "No case fits" in (await tab.get("/requests?status=closed")).text
    other: Tab = await tabs("customer@a3")
    assert "A case starts with a new request." in (await other.get("/requests")).text
    assert "Start with a request" in (await other.get("/")).text
    assert "No such requests" in (await other.get("/threat-requests")).text


async def test_the_start_page_shows_what_waits(tab: Tab, two: None) -> None:
    text = (await tab.get("/")).text
    assert text.count(SR) >= 2
    assert 'href="/requests?status=waiting_on_customer"' in text
    assert OTHER not in text


async def test_the_file_has_what_the_list_shows_and_no_formula(tab: Tab, two: None) -> None:
    answer = await tab.get("/requests.csv?status=waiting_on_customer")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    [row] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["sr_number"], row["subject"]) == (SR, '\'=cmd|"/c calc"!A1')
    assert row["category"] == "Collected Threat Sample Analysis"


@pytest.mark.parametrize(
    "cell",
    [
        "=1",
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\u00a0=1",
        "\uff1d1",
        "\uff0b1",
        "|x",
        "%0A=1",
        "a;=1",
        "a;  +1",
        "a\t@x",
    ],
)
def test_nothing_that_a_spreadsheet_takes_for_a_formula_stays_one(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "a", "1+1", "a=b", "a; b", "a\tb", "'=1", "Zoë", "漢字"])
def test_plain_words_stay_as_they_are(cell: str) -> None:
    assert safe_cell(cell) == cell


async def test_operations_name_what_is_not_right(
    tabs: Make, services: FakeServices, log: FakeLog, projection: Projection, submit: Make
) -> None:
    operator: Tab = await tabs("operator@vendor")
    await projection.apply([await submit()])
    text = (await operator.get("/operations")).text
    assert "One thing needs somebody." in text, "messages are parked"
    assert f"{SR}, submitted" in text
    services.answers["http://portal/readyz"] = {"ready": False, "checks": {"Kafka": "paused", "MongoDB": "ok"}}
    services.answers["http://routing/readyz"] = None
    log.away = True
    text = (await operator.get("/operations")).text
    assert "3 things need somebody." in text
    for says in ("Does not answer", "Not ready", "Kafka: paused", "Not told"):
        assert says in text


async def test_operations_tell_what_is_written_and_not_on_the_log_yet(tabs: Make, services: FakeServices) -> None:
    operator: Tab = await tabs("operator@vendor")
    services.answers["http://routing/internal/backlog"] = {"count": 7, "oldest_seconds": 61.4}
    assert "the oldest for 61 seconds" in (await operator.get("/operations")).text
    told = (await operator.get("/operations.json")).json()
    found = {one["name"]: (one["waiting"], one["waiting_seconds"]) for one in told["services"]}
    assert found == {"routing": (7, 61.4), "portal": (None, None)}
