"""F01: services are killed at a named point, five times or more within one load; once the kills have ended, nothing is
lost and nothing doubled.

K3 after the commit and before the answer, K5 published and not yet marked so, K9 published and the offset not yet
committed, K11 after the mail server's 250 and before the record of it.
"""

from collections.abc import Callable

import pytest
from embedded_system import System, eventually
from load import Load, check_invariants

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@pytest.mark.parametrize(("point", "every", "cases"), [("K3", 10, 60), ("K5", 8, 60), ("K9", 25, 40), ("K11", 12, 40)])
def test_a_kill_at_any_point_loses_and_doubles_nothing(
    start: Callable[..., System], point: str, every: int, cases: int
) -> None:
    system = start(CASEWAY_FAULT=f"{point}:every={every}")
    ledger = Load(system.client(), cases).run()
    eventually(system.deaths, lambda deaths: len(deaths) >= 5)
    system.down()
    del system.environment["CASEWAY_FAULT"]
    system.up("--no-demo")
    check_invariants(system, system.client(), ledger)
