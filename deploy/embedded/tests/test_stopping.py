import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from embedded_stand_in.stack import Stack, Until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def test_ctrl_c_leaves_no_process_and_the_next_start_has_the_same_addresses(tmp_path: Path, until: Until) -> None:
    first = Stack(tmp_path, until)
    first.wait_until_ready()
    family, rows = first.family(), {**first.state["parts"], **first.state["services"]}

    assert first.stop(signal.SIGINT) == 0
    assert not [process for process in family if process.is_running()]

    second = Stack(tmp_path, until)
    try:
        second.wait_until_ready()
        assert all(second.row(name)["port"] == row["port"] for name, row in rows.items())
    finally:
        second.stop()


def test_a_supervisor_killed_with_kill_9_takes_its_processes_along(tmp_path: Path, until: Until) -> None:
    stack = Stack(tmp_path, until)
    stack.wait_until_ready()
    family = stack.family()

    stack.stop(signal.SIGKILL)

    assert psutil.wait_procs(family, timeout=60)[1] == []


def test_a_service_that_cannot_start_ends_the_start_with_its_last_words(tmp_path: Path, until: Until) -> None:
    stack = Stack(tmp_path, until, STAND_IN_BREAKS="1")
    until(lambda: stack.process.poll() is not None)

    assert stack.process.returncode == 1
    assert "stand-in died 3 times before it was ready" in stack.output.read_text()
    assert "the stand-in is told to break" in stack.output.read_text()


def test_a_taken_port_is_named_with_the_way_out(
    tmp_path: Path, caseway: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = caseway("up", "--data", str(tmp_path), "--port", str(port))

    assert refused.returncode == 1
    assert f"Port {port} is taken" in refused.stderr
    assert f"--port {port + 1}" in refused.stderr


def test_status_and_down_of_a_folder_where_nothing_runs(
    tmp_path: Path, caseway: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    assert caseway("status", "--data", str(tmp_path)).returncode == 1
    assert "Nothing runs" in caseway("down", "--data", str(tmp_path)).stdout
