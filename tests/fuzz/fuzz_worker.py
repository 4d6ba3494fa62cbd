"""Feeds one parser with damaged inputs: ``python fuzz_worker.py TARGET SECONDS SEED FOLDER [CORPORA]``.

The input at hand lies in ``FOLDER/TARGET.input``, so that one that ends or hangs the process is known. One JSON line
says what came of it; an input that lets an exception out is kept in ``FOLDER`` too, and ends the run.
"""

import hashlib
import json
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzz_mutation import mutated
from fuzz_seeds import seeds

EVIDENCE_ID = "11111111-1111-4111-8111-111111111111"
LIMITS = {"seconds": 10.0, "unpacked_bytes": 64 * 1024 * 1024}
NAMES = {"mail": "a.eml", "zip": "a.zip", "ole": "a.msg", "pdf": "a.pdf", "rar": "a.rar", "7z": "a.7z"}


def parser(target: str, path: Path) -> Callable[[bytes], None]:
    if target == "url":
        return look_at_url
    from caseway_contracts.results import EvidenceReport
    from sample_analysis.engines import analyze

    missing = {"salt": "0" * 32, "sr_number": "SR01-000000042-4", "revision": 1}

    def look(data: bytes) -> None:
        path.write_bytes(data)
        found = analyze(
            path, EVIDENCE_ID, NAMES[target], "email" if target == "mail" else "file", ("infected",), LIMITS
        )
        EvidenceReport.model_validate_json(json.dumps(found | missing))

    return look


def look_at_url(data: bytes) -> None:
    from url_rating.canonical import InvalidUrl, canonicalize
    from url_rating.expressions import expressions

    text = data.decode("latin-1") if len(data) % 2 else data.decode("utf-8", "replace")
    try:
        canonical = canonicalize(text)
    except InvalidUrl:
        return
    assert 0 < len(list(expressions(canonical))) <= 30


def main() -> None:
    target, seconds, seed, folder = sys.argv[1], float(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    corpora = Path(sys.argv[5]) if len(sys.argv) > 5 else None
    known = seeds(target, corpora)
    at_hand = folder / f"{target}.input"
    look, count = parser(target, at_hand), 0
    said: dict[str, object] = {"target": target, "seed": seed, "seeds": len(known)}
    look(known[0])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    until = time.monotonic() + seconds
    slowest = 0.0
    while time.monotonic() < until:
        # Each input has random numbers of its own: one is made again without those before it.
        chance = Random(f"{target}/{seed}/{count}")
        data = mutated(chance.choice(known), known, chance)
        started = time.monotonic()
        try:
            look(data)
        except Exception:
            kept = folder / f"{target}-{hashlib.sha256(data).hexdigest()[:12]}"
            kept.write_bytes(data)
            said |= {"failed_at": count, "kept": str(kept), "error": traceback.format_exc()}
            break
        slowest = max(slowest, time.monotonic() - started)
        count += 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps(said | {"count": count, "grown_mib": grown // 1024, "slowest_s": round(slowest, 2)}))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
