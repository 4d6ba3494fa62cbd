"""Benchmarks: how fast the system is, beside another one on the same machine at the same time."""

import asyncio
import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import typer

from caseway_embedded.cli.client import FAILURE, show, stop
from caseway_embedded.data_dir import DataDir

if TYPE_CHECKING:
    from caseway_embedded.bench.corpus import Sample

# Warm-up zips are made with another seed than those that count.
WARM_UP_SEED = 1_000_000
SIZES = (10_000, 1_000_000, 5_000_000)


def register(app: typer.Typer) -> None:
    bench = typer.Typer(no_args_is_help=True, help="Measure the system.")
    bench.command("cases")(cases)
    bench.command("rate")(rate)
    bench.command("analyze")(analyze)
    bench.command("list")(lists)
    bench.command("flood")(flood)
    bench.callback()(_group)
    app.add_typer(bench, name="bench")


def _group() -> None:
    return


def cases(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="Folder of a running system. Left out: one that is started for each round and removed after it.",
            file_okay=False,
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many protected zips to submit, six children in each.")] = 60,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="How many submitters.")] = 4,
    rounds: Annotated[int, typer.Option(min=1, help="How often.")] = 1,
    corpus: Annotated[
        Path | None,
        typer.Option(help="Folder with zips and their corpus.json, instead of zips made for this.", exists=True),
    ] = None,
    peer: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="Another system: run with the number of cases behind it and CONC and PHASES=burst in its "
            "environment, it prints `RESULT {json}`. It takes turns with ours.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """A burst of cases, each from its upload to its complete analysis."""
    try:
        done = [_round(number, data, count, at_once, corpus, peer) for number in range(rounds)]
    except (OSError, RuntimeError, TimeoutError, ValueError) as error:
        stop(str(error), FAILURE)
    ratios = [one["ratio"] for one in done if one["ratio"] is not None]
    ratio = {"median": round(statistics.median(ratios), 3), "low": min(ratios), "high": max(ratios)} if ratios else None
    if as_json:
        return show({"benchmark": "cases", "at_once": at_once, "ratio": ratio, "rounds": done})
    for one in done:
        for name in ("ours", "peer"):
            if one[name]:
                typer.echo(_line(name, one[name]))
    if ratio:
        typer.echo(f"ratio  {ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})")
    return None


def rate(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="Folder of a running system, which keeps the list `bench`. Left out: one of its own.",
            file_okay=False,
        ),
    ] = None,
    sizes: Annotated[list[int] | None, typer.Option("--entries", min=1, help="How long the list is.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to look up at each size.")] = 10,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="How many callers.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Look-ups per second with lists of 10 thousand, 1 million and 5 million entries, and how fast those load."""
    from caseway_embedded.bench.rates import Rates

    load = os.getloadavg()
    try:
        with _system(data) as folder:
            rates = Rates(folder)
            try:
                found = rates.measure(sizes or SIZES, seconds=seconds, at_once=at_once)
            finally:
                rates.close()
    except (OSError, RuntimeError, TimeoutError, ValueError, httpx.HTTPError) as error:
        stop(str(error), FAILURE)
    if as_json:
        loadavg = [round(one, 2) for one in load]
        return show({"benchmark": "rate", "at_once": at_once, "sizes": found, "loadavg": loadavg})
    for one in found:
        typer.echo(
            f"{one['entries']:>9,} entries  {one['lookups_per_s']:7,} look-ups/s (ratio {one['ratio']:.2f})  "
            f"one p50 {one['single_ms']['p50']:.1f} p95 {one['single_ms']['p95']:.1f} ms  "
            f"imported at {one['import_lines_per_s']:,} lines/s"
        )
    return None


def flood(
    count: Annotated[int, typer.Option(min=10, help="How many cases the one account sends, six children each.")] = 400,
    others: Annotated[int, typer.Option(min=1, help="How many other accounts send one case each.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """How long others' cases take while one account sends as many as it can, beside how long without that."""
    from caseway_embedded.bench.burst import WARM_UP
    from caseway_embedded.bench.corpus import made
    from caseway_embedded.bench.flood import measure

    load = os.getloadavg()
    seed = time.time_ns()
    quiet, flooded = (made(others, seed=seed + number) for number in (1, 2))
    try:
        with _system(None, limited=True) as folder:
            found = asyncio.run(measure(folder, made(WARM_UP + count, seed=seed), quiet, flooded))
    except (OSError, RuntimeError, TimeoutError, ValueError, httpx.HTTPError) as error:
        stop(str(error), FAILURE)
    if as_json:
        return show(found | {"loadavg": [round(one, 2) for one in load]})
    for name in ("without", "beside"):
        took = found[f"{name}_ms"]["AnalysisCompleted"]
        typer.echo(f"{name:<8} p50 {took['p50']:5.0f} p95 {took['p95']:5.0f} ms")
    typer.echo(f"ratio of p95 {found['ratio']:.2f}; {found['flood']} cases of the flood in {found['flood_s']:.0f} s")
    return None


def analyze(
    corpus: Annotated[Path, typer.Option(help="Folder of samples; every file below it.", exists=True, file_okay=False)],
    count: Annotated[int, typer.Option(min=1, help="How many of them, evenly from all of it.")] = 200,
    largest: Annotated[int, typer.Option(min=1, help="Only files of at most so many bytes.")] = 10_000_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Samples a second through the sandbox and through the whole service, beside a bare loop over the same engines."""
    from caseway_embedded.bench import analyses

    cores = len(os.sched_getaffinity(0))
    try:
        paths = analyses.chosen(corpus, count, largest)
        done = [_analyzed(paths, cores) for _ in range(rounds)]
    except (OSError, RuntimeError, TimeoutError, ValueError, subprocess.SubprocessError) as error:
        stop(str(error), FAILURE)
    ratio = {name: statistics.median(one["ratio"][name] for one in done) for name in ("sandbox", "service")}
    if as_json:
        return show({"benchmark": "analyze", "cores": cores, "ratio": ratio, "rounds": done})
    for one in done:
        for name in ("bare", "sandbox", "service"):
            found = one[name]
            typer.echo(
                f"{name:<8} {found['samples_per_s']:8.2f} samples/s  {found['per_core']:8.2f} a core  "
                f"{found['not_analyzed']} not analysed"
            )
    typer.echo(f"ratio a core to the bare loop: sandbox {ratio['sandbox']:.2f}, service {ratio['service']:.2f}")
    return None


def _analyzed(paths: list[Path], cores: int) -> dict[str, Any]:
    from caseway_embedded.bench import analyses
    from caseway_embedded.bench.own_system import own_system

    load = os.getloadavg()
    found = {"bare": analyses.looped("bare", 1, paths), "sandbox": analyses.looped("sandbox", cores, paths)}
    with own_system() as data:
        found["service"] = asyncio.run(analyses.served(data, paths))
    for name, one in found.items():
        one["per_core"] = round(one["samples_per_s"] / (1 if name == "bare" else cores), 2)
    ratio = {name: round(found[name]["per_core"] / found["bare"]["per_core"], 3) for name in ("sandbox", "service")}
    return {**found, "ratio": ratio, "loadavg": [round(one, 2) for one in load]}


def _round(
    number: int, data: Path | None, count: int, at_once: int, corpus: Path | None, peer: str | None
) -> dict[str, Any]:
    from caseway_embedded.bench import peer as peers

    load = os.getloadavg()
    found: dict[str, Any] = {"ours": None, "peer": None}
    for name in ("ours", "peer") if number % 2 == 0 else ("peer", "ours"):
        if name == "ours":
            found[name] = _ours(data, *_samples(number, count, corpus), at_once)
        elif peer:
            found[name] = peers.run(peer, count, at_once)
    theirs = found["peer"]
    if theirs and theirs.get("children") not in (None, found["ours"]["children"]):
        raise RuntimeError(f"not the same work: {found['ours']['children']} and {theirs['children']} children")
    ratio = round(found["ours"]["samples_per_s"] / theirs["samples_per_s"], 3) if theirs else None
    return {**found, "ratio": ratio, "loadavg": [round(one, 2) for one in load]}


def _ours(data: Path | None, samples: "list[Sample]", warm_up: "list[Sample]", at_once: int) -> Any:
    from caseway_embedded.bench.burst import Running, measure

    with _system(data) as folder:
        return asyncio.run(measure(Running.of(folder), samples, warm_up, at_once))


@contextmanager
def _system(data: Path | None, *, limited: bool = False) -> Iterator[DataDir]:
    from caseway_embedded.bench.own_system import own_system

    system: AbstractContextManager[DataDir] = (
        own_system(limited=limited) if data is None else nullcontext(DataDir(data))
    )
    with system as folder:
        if folder.holder() is None or not folder.state()["ready"]:
            raise RuntimeError(f"No ready system in {folder.root}; see `caseway status`.")
        yield folder


def _samples(number: int, count: int, corpus: Path | None) -> "tuple[list[Sample], list[Sample]]":
    """The zips that count, and those that go before them; other ones in each round, unless a folder has them."""
    from caseway_embedded.bench.burst import WARM_UP
    from caseway_embedded.bench.corpus import made, taken

    if corpus is None:
        seed = time.time_ns()
        return made(count, seed=seed + number), made(WARM_UP, seed=seed + WARM_UP_SEED)
    samples = taken(corpus, count)
    return samples, (samples * WARM_UP)[:WARM_UP]


def _line(name: str, one: dict[str, Any]) -> str:
    return (
        f"{name:<5} {one['samples_per_s']:7.2f} cases/s  accept p50 {one['accept_ms']['p50']:.0f} ms  "
        f"e2e p50 {one['e2e_ms']['p50']:.0f} p95 {one['e2e_ms']['p95']:.0f} ms  "
        f"cpu {one['cpu_ms_per_sample']:.1f} ms a case  rss {one['rss_peak_total_mib']:.0f} MiB  load {one['loadavg']}"
    )


def lists(
    count: Annotated[int, typer.Option(min=1, help="How many cases.")] = 1_000_000,
    rounds: Annotated[int, typer.Option(min=20, help="How often each list is asked for.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Lists of the portal over that many cases, beside the same over ten thousand; half of them are one account's."""
    from caseway_embedded.bench.lists import measure

    try:
        found = asyncio.run(measure(count, rounds))
    except (OSError, RuntimeError) as error:
        stop(str(error), FAILURE)
    if as_json:
        return show(found)
    for one in found["sizes"]:
        typer.echo(f"{one['cases']:,} cases (seeded in {one['seed_s']} s, indexed in {one['index_s']} s)")
        for name, took in one["ms"].items():
            typer.echo(f"  {name:<12} p50 {took['p50']:8.2f} ms  p95 {took['p95']:8.2f} ms")
    return None
