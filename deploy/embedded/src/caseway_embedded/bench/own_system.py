"""A system that lives as long as a measurement, in a folder of its own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caseway_embedded.data_dir import PORTS, DataDir, port_is_free

START_SECONDS = 400
STOP_SECONDS = 120
# A burst comes from one account; what it asks is how fast the system is, not how patient.
WITHOUT_LIMIT = {"INTAKE_SUBMISSIONS_PER_MINUTE": "1000000"}


@contextmanager
def own_system(*, limited: bool = False) -> Iterator[DataDir]:
    """``limited``: with the limits that a customer's submissions have everywhere else."""
    with tempfile.TemporaryDirectory(prefix="caseway-bench-") as folder:
        data = DataDir(Path(folder) / "data")
        # The session of whoever runs this stays as it is.
        environment = os.environ | ({} if limited else WITHOUT_LIMIT) | {"XDG_CONFIG_HOME": folder}
        port = next(port for port in reversed(PORTS) if port_is_free(port))
        try:
            _caseway("up", data, environment, START_SECONDS, "--detach", "--no-demo", "--port", str(port))
            yield data
        finally:
            _caseway("down", data, environment, STOP_SECONDS)


def _caseway(verb: str, data: DataDir, environment: dict[str, str], patience: float, *options: str) -> None:
    command = [sys.executable, "-m", "caseway_embedded.cli.main", verb, "--data", str(data.root), *options]
    done = subprocess.run(  # noqa: S603 - ourselves
        command, env=environment, capture_output=True, text=True, timeout=patience, check=False
    )
    if done.returncode:
        raise RuntimeError(f"caseway {verb} failed: {done.stdout}{done.stderr}")
