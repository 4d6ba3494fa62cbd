import os
import signal

import pytest

from caseway_kit.faults import arm, fault_point


@pytest.mark.parametrize(("fault", "testing"), [("K5:every=10", False), ("K5", True), ("K5:every=0", True)])
def test_a_fault_that_makes_no_sense_or_is_no_test_is_refused(fault: str, testing: bool) -> None:
    with pytest.raises(ValueError, match="CASEWAY_FAULT"):
        arm(fault, testing=testing)


def test_the_process_dies_at_the_named_passage() -> None:
    child = os.fork()
    if child == 0:
        arm("K5:every=3", testing=True)
        for _ in range(2):
            fault_point("K5")
        fault_point("K9")
        fault_point("K5")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def test_without_a_fault_nothing_happens() -> None:
    arm(None, testing=False)
    fault_point("K5")
