"""What a burst says in figures, named as the peers name theirs."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from caseway_embedded.bench.events import LAST, STAGES
from caseway_embedded.bench.meter import Meter
from caseway_embedded.bench.submitters import Submitted

DRIVER = "driver"
MIB = 1024 * 1024


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def figures(
    burst: Sequence[Submitted], at: Mapping[str, Mapping[str, float]], meter: Meter, pss: Mapping[str, int]
) -> dict[str, Any]:
    """``at`` holds, by stage and case, when the log got there."""
    started = min(one.started for one in burst)
    wall = max(at[LAST][one.sr] for one in burst) - started
    children = sum(one.sample.children for one in burst)
    # The load is made by this process; what it costs is not the system's.
    cpu = sum(seconds for name, seconds in meter.cpu.items() if name != DRIVER)
    ours = {name: size for name, size in meter.peak.items() if name != DRIVER}
    return {
        "samples": len(burst),
        "children": children,
        "wall_s": round(wall, 3),
        "samples_per_s": round(len(burst) / wall, 2),
        "children_per_s": round(children / wall, 2),
        "accept_ms": spread([one.accepted - one.started for one in burst], (50, 95)),
        "e2e_ms": spread([at[LAST][one.sr] - one.started for one in burst], (50, 95, 100)),
        "stages_ms": stages(burst, at),
        "cpu_s": {name: round(seconds, 2) for name, seconds in meter.cpu.items()},
        "cpu_s_total": round(cpu, 2),
        "cpu_ms_per_sample": round(cpu * 1000 / len(burst), 2),
        "rss_before_mib": _mib(meter.before),
        "rss_peak_mib": _mib(meter.peak),
        "rss_peak_total_mib": round(sum(ours.values()) / MIB, 1),
        "pss_mib": _mib(pss),
        "pss_total_mib": round(sum(pss.values()) / MIB, 1),
        "loadavg": round(os.getloadavg()[0], 2),
    }


def stages(burst: Sequence[Submitted], at: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """How long after its first byte a case was at each stage."""
    return {
        stage: spread([at[stage][one.sr] - one.started for one in burst if one.sr in at[stage]], (50, 95))
        for stage in STAGES
        if any(one.sr in at[stage] for one in burst)
    }


def spread(seconds: Sequence[float], percents: Sequence[int]) -> dict[str, float]:
    names = {100: "max"}
    return {names.get(one, f"p{one}"): round(percentile(seconds, one) * 1000, 1) for one in percents}


def _mib(sizes: Mapping[str, int]) -> dict[str, float]:
    return {name: round(size / MIB, 1) for name, size in sizes.items()}
