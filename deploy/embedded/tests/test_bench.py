import io
import json
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from caseway_embedded.bench import lists, peer
from caseway_embedded.bench.analyses import chosen, looped
from caseway_embedded.bench.corpus import PASSWORD, Sample, made, taken
from caseway_embedded.bench.events import STAGES, Events
from caseway_embedded.bench.figures import figures, percentile
from caseway_embedded.bench.meter import Meter, resident
from caseway_embedded.bench.submitters import Submitted
from caseway_kit.testing.topics import Topics

MIB = 1024 * 1024


@pytest.fixture
def peer_that(tmp_path: Path) -> Callable[[str], str]:
    """A command that runs this Python, with what the bench tells it in ``count``, ``conc`` and ``phases``."""

    def write(says: str) -> str:
        script = tmp_path / "peer.py"
        begin = (
            "import json, os, sys\ncount, conc, phases = int(sys.argv[1]), os.environ['CONC'], os.environ['PHASES']\n"
        )
        script.write_text(begin + textwrap.dedent(says))
        return f"{sys.executable} {script}"

    return write


def test_every_child_of_a_corpus_exists_once() -> None:
    children = []
    for sample in made(2, seed=1) + made(1, seed=2):
        with zipfile.ZipFile(io.BytesIO(sample.content)) as archive:
            children += [archive.read(name, PASSWORD.encode()) for name in archive.namelist()]

    assert len(set(children)) == len(children) == 18


def test_a_corpus_is_taken_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "corpus.json").write_text('{"key": "1/7"}\n{"file": "a.zip", "sha256": "0", "children": 5}\n')
    (tmp_path / "a.zip").write_bytes(b"PK")

    assert taken(tmp_path, 1) == [Sample("a.zip", b"PK", 5)]
    with pytest.raises(ValueError, match="holds 1 zips; 2 are asked for"):
        taken(tmp_path, 2)


def test_samples_come_evenly_from_all_of_a_folder_and_each_content_once(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for number in range(5):
            (tmp_path / folder / str(number)).write_bytes(f"{folder}{number}".encode())
    (tmp_path / "a" / "again").write_bytes(b"a0")
    (tmp_path / "a" / "empty").touch()
    (tmp_path / "b" / "large").write_bytes(b"x" * 100)

    assert [path.name for path in chosen(tmp_path, 100, 50)] == ["0", "1", "2", "3", "4"] * 2
    assert [path.parent.name for path in chosen(tmp_path, 4, 50)] == ["a", "a", "b", "b"]
    with pytest.raises(ValueError, match="no files"):
        chosen(tmp_path, 4, 1)


def test_the_loop_without_the_service_says_what_it_did(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / str(number)).write_text(f"file {number}")

    found = looped("bare", 1, sorted(tmp_path.iterdir()))

    assert (found["samples"], found["files"], found["not_analyzed"]) == (4, 4, 0)


@pytest.mark.parametrize(("percent", "value"), [(0, 1.0), (50, 2.5), (100, 4.0)])
def test_a_percentile_lies_between_its_neighbours(percent: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == value


def test_a_burst_lasts_from_its_first_upload_to_its_last_result() -> None:
    sample = Sample("a.zip", b"", 6)
    burst = [Submitted("A", sample, 100.0, 100.1), Submitted("B", sample, 101.0, 101.3)]
    at: dict[str, dict[str, float]] = {stage: {} for stage in STAGES}
    at["AnalysisCompleted"] = {"A": 104.0, "B": 102.0}
    meter = Meter({})
    meter.cpu, meter.peak = {"intake": 1.0, "driver": 5.0}, {"intake": 3 * MIB, "driver": 9 * MIB}

    found = figures(burst, at, meter, {"intake": 2 * MIB})

    assert (found["samples"], found["children"], found["wall_s"], found["samples_per_s"]) == (2, 12, 4.0, 0.5)
    assert found["accept_ms"] == {"p50": 200.0, "p95": 290.0}
    assert found["e2e_ms"] == {"p50": 2500.0, "p95": 3850.0, "max": 4000.0}
    assert (found["cpu_s_total"], found["cpu_ms_per_sample"]) == (1.0, 500.0)
    assert (found["rss_peak_total_mib"], found["pss_total_mib"]) == (3.0, 2.0)


def test_a_meter_counts_children_also_when_they_have_ended() -> None:
    work = "import time\nwhile time.process_time() < 0.3: pass"
    with Meter({"parent": os.getpid()}) as meter:
        subprocess.run([sys.executable, "-c", work], check=True)

    assert meter.cpu["parent"] >= 0.29  # the kernel counts in hundredths
    assert meter.peak["parent"] > 0


def test_a_process_that_has_a_name_is_not_counted_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        alone = resident({"parent": os.getpid(), "child": child.pid})
        together = resident({"parent": os.getpid()})
        child.communicate(b"\n")

    assert alone["child"] > 0
    assert together["parent"] > alone["parent"]


def test_a_peer_is_told_the_size_of_the_burst_and_its_submitters(peer_that: Callable[[str], str]) -> None:
    command = peer_that("""
        print("some progress")
        print("RESULT " + json.dumps({"phase": "serial", "samples": 1}))
        print("RESULT " + json.dumps({"phase": "burst", "samples": count, "conc": conc, "phases": phases}))
    """)

    assert peer.run(command, 7, 3) == {"phase": "burst", "samples": 7, "conc": "3", "phases": "burst"}


@pytest.mark.parametrize(
    ("says", "error"),
    [
        ("sys.exit('no Redis')", "no Redis"),
        ("print('nothing')", "nothing"),
        ("print('RESULT {\"samples\": 1}')", "took 1 cases, not 7"),
    ],
)
def test_a_peer_that_did_something_else_is_an_error(peer_that: Callable[[str], str], says: str, error: str) -> None:
    with pytest.raises(RuntimeError, match=error):
        peer.run(peer_that(says), 7, 3)


def test_a_folder_where_nothing_runs_is_said(
    tmp_path: Path, caseway: "Callable[..., subprocess.CompletedProcess[str]]"
) -> None:
    done = caseway("bench", "cases", "--data", str(tmp_path / "none"), "--count", "1")

    assert (done.returncode, "No ready system" in done.stderr) == (1, True)


@pytest.mark.integration
async def test_times_are_those_of_the_log_and_of_what_came_after(kafka_address: str, topics: Topics) -> None:
    topics.exact(*STAGES.values())
    async with AIOKafkaProducer(bootstrap_servers=kafka_address, acks="all") as producer:

        async def state(kind: str, case: str, milliseconds: int) -> None:
            body = json.dumps({"type": kind, "key": case}).encode()
            await producer.send_and_wait(STAGES[kind], body, timestamp_ms=milliseconds)

        await state("AnalysisCompleted", "SR-earlier", 1_000_000)
        async with Events(kafka_address) as events:
            await state("CaseSubmitted", "SR-1", 2_000_000)
            await state("AnalysisCompleted", "SR-1", 2_000_500)
            await events.until_complete({"SR-1"}, 30)
            with pytest.raises(TimeoutError, match="1 of 1 cases"):
                await events.until_complete({"SR-earlier"}, 0.1)

    assert events.at["CaseSubmitted"] == {"SR-1": 2000.0}
    assert events.at["AnalysisCompleted"] == {"SR-1": 2000.5}


@pytest.mark.integration
async def test_lists_are_measured_over_the_portals_own_pages() -> None:
    found = await lists.measure(300, 20)
    [size] = found["sizes"]
    assert size["cases"] == 300
    assert size["ms"].keys() == set(lists.QUERIES) == found["ratio"].keys()
