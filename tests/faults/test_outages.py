"""F05 and its like: a part dies by kill -9 in the middle of a load, and the supervisor starts it again."""

import os
import signal
import threading
from collections.abc import Callable

import pytest
from embedded_system import System, eventually
from load import Load, check_invariants

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.mark.parametrize("part", ["kafka", "mongo"])
def test_a_part_that_is_killed_in_the_middle_of_a_load_loses_nothing(start: Callable[..., System], part: str) -> None:
    system = start()
    client = system.client()
    load = Load(client, 40)

    def kill() -> None:
        eventually(lambda: len(load.ledger.cases) >= 10)
        os.kill(system.state()["parts"][part]["pid"], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    ledger = load.run(at_once=4)
    killer.join()
    eventually(system.deaths, lambda deaths: part in deaths)
    check_invariants(system, client, ledger)


def test_cases_are_accepted_read_and_listed_while_kafka_is_down(start: Callable[..., System]) -> None:
    system = start()
    client = system.client()
    os.kill(system.state()["parts"]["kafka"]["pid"], signal.SIGSTOP)
    stopped = system.state()["parts"]["kafka"]["pid"]
    try:
        sr = client.opened(category="threat-inquiry", fields={}, subject="While the log is away")
        assert client.get(f"/cases/{sr}")["subject"] == "While the log is away"
        assert sr in [one["sr_number"] for one in client.get("/cases")["items"]]
        answer = client.request("POST", f"/cases/{sr}/updates", json={"comment": "Still there?"})
        assert answer.status_code == 202
        events = [one["event"] for one in client.get(f"/cases/{sr}/timeline")["items"]]
        assert events == ["CaseSubmitted", "CaseUpdated"]
    finally:
        os.kill(stopped, signal.SIGCONT)
    client.completed(sr)
