import json
import os
from contextlib import nullcontext
from typing import Any
from unittest.mock import Mock

import pytest
from typer.testing import CliRunner

from caseway_embedded.bench import rates
from caseway_embedded.bench.rates import HIT_EVERY, URLS_A_CALL, _lines, _urls, anonymous_mib
from caseway_embedded.cli import bench
from caseway_embedded.cli.main import app


@pytest.mark.parametrize("call", [0, 1, 7])
def test_every_tenth_url_lies_below_a_name_of_the_list(call: int) -> None:
    size = 12_345
    listed = {line.partition(b"\t")[2].decode() for line in b"".join(_lines(size)).splitlines()}
    urls = _urls(size, call)
    assert len(listed) == size
    assert len(urls) == len(set(urls)) == URLS_A_CALL
    hits = [url.split("/")[2].removeprefix("www.") in listed for url in urls]
    assert hits == [position % HIT_EVERY == 0 for position in range(URLS_A_CALL)]


@pytest.mark.parametrize("as_json", [True, False])
def test_figures_are_printed_for_people_or_scripts(monkeypatch: pytest.MonkeyPatch, as_json: bool) -> None:
    found: dict[str, Any] = {"entries": 10_000, "import_lines_per_s": 5_000, "lookups_per_s": 2_000, "ratio": 1.0}
    found |= {"single_ms": {"p50": 2.5, "p95": 4.0}}
    monkeypatch.setattr(bench, "_system", lambda _: nullcontext())
    monkeypatch.setattr(rates, "Rates", lambda _: Mock(measure=Mock(return_value=[found])))
    done = CliRunner().invoke(app, ["bench", "rate", *(["--json"] if as_json else [])])
    if as_json:
        assert json.loads(done.stdout)["sizes"] == [found]
    else:
        assert done.stdout.startswith("   10,000 entries    2,000 look-ups/s (ratio 1.00)  one p50 2.5 p95 4.0 ms")


def test_memory_of_a_process_is_seen() -> None:
    assert anonymous_mib(os.getpid()) > 1
