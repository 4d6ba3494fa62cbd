"""How fast URLs are rated, and lists loaded, as the lists grow: over HTTP, as whoever asks would."""

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from caseway_embedded.data_dir import DataDir
from caseway_embedded.demo.users import USERS_FILE

LIST = "bench"
URLS_A_CALL = 500
# Of so many URLs one is on the list: most of what people ask about is not.
HIT_EVERY = 10
LINES_A_CHUNK = 5_000
SINGLE_CALLS = 200
PATIENCE_SECONDS = 1_800


class Rates:
    """A signed-in operator; raises RuntimeError where the system does not do what it is measured at."""

    def __init__(self, data: DataDir) -> None:
        state = data.state()
        self._pid: int = state["services"]["url-rating"]["pid"]
        self._http = httpx.Client(base_url=f"{state['url']}/api/v1", timeout=PATIENCE_SECONDS, trust_env=False)
        self._credentials = data.read_json(USERS_FILE)["operator"]
        self._memory = 0.0

    def close(self) -> None:
        self._http.close()

    def measure(self, sizes: Sequence[int], *, seconds: float, at_once: int) -> list[dict[str, Any]]:
        found = [self._size(size, seconds, at_once) for size in sorted(sizes)]
        for one in found:
            one["ratio"] = round(one["lookups_per_s"] / found[0]["lookups_per_s"], 3)
        return found

    def _size(self, size: int, seconds: float, at_once: int) -> dict[str, Any]:
        self._sign_in()
        imported = self._import(size)
        self._sign_in()
        self._look_up(_urls(size, 0))
        lookups = self._burst(size, seconds, at_once)
        single = sorted(self._timed(size, number) for number in range(SINGLE_CALLS))
        return {
            "entries": size,
            "import_lines_per_s": round(imported),
            "lookups_per_s": round(lookups),
            "single_ms": {
                "p50": round(statistics.median(single) * 1_000, 2),
                "p95": round(single[int(len(single) * 0.95)] * 1_000, 2),
            },
            "memory_mib": {"importing": round(self._memory), "afterwards": round(anonymous_mib(self._pid))},
        }

    def _sign_in(self) -> None:
        # A token lives for 15 minutes, and an import may take some of them.
        answer = self._http.post("/session", json=self._credentials)
        answer.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    def _import(self, size: int) -> float:
        started, last, self._memory = time.monotonic(), {}, 0.0
        params = {"format": "ut1", "name": LIST, "version": str(size)}
        with self._http.stream("POST", "/ratings/imports", params=params, content=_lines(size)) as answer:
            for line in answer.iter_lines():
                last = json.loads(line)
                self._memory = max(self._memory, anonymous_mib(self._pid))
        if last.get("entries") != size or not last.get("done"):
            raise RuntimeError(f"the list was not loaded: {last}")
        return size / (time.monotonic() - started)

    def _burst(self, size: int, seconds: float, at_once: int) -> float:
        def calls(first: int) -> int:
            done = 0
            while time.monotonic() < until:
                self._look_up(_urls(size, first + done * at_once))
                done += 1
            return done

        started = time.monotonic()
        until = started + seconds
        with ThreadPoolExecutor(at_once) as pool:
            calls_done = sum(pool.map(calls, range(1, at_once + 1)))
        return calls_done * URLS_A_CALL / (time.monotonic() - started)

    def _timed(self, size: int, number: int) -> float:
        started = time.monotonic()
        self._look_up(_urls(size, number)[:1])
        return time.monotonic() - started

    def _look_up(self, urls: list[str]) -> None:
        answer = self._http.post("/ratings/lookup", json={"urls": urls})
        answer.raise_for_status()
        listed = sum(any(reason["engine"] == LIST for reason in one["reasons"]) for one in answer.json()["results"])
        if listed != len(urls[::HIT_EVERY]):
            raise RuntimeError(f"{listed} of {len(urls)} URLs were found on the list")


def anonymous_mib(pid: int) -> float:
    """Memory of a process that no file stands behind; what is mapped can be dropped at any time."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _lines(size: int) -> Iterator[bytes]:
    for first in range(0, size, LINES_A_CHUNK):
        numbers = range(first, min(size, first + LINES_A_CHUNK))
        yield "".join(f"phishing\thost{number}.list-{number % 977}.example\n" for number in numbers).encode()


def _urls(size: int, call: int) -> list[str]:
    """URLs of one call, each of eight to fifteen expressions; every tenth, from the first, is below a listed name."""
    urls = []
    for position in range(URLS_A_CALL):
        number = call * URLS_A_CALL + position
        if position % HIT_EVERY == 0:
            entry = number * 7_919 % size
            host = f"www.host{entry}.list-{entry % 977}.example"
        else:
            host = f"www.shop{number}.example"
        urls.append(f"https://{host}/products/{number}/page.html?ref={number}")
    return urls
