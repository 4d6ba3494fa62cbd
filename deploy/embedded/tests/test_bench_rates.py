import os

import pytest

from caseway_embedded.bench.rates import HIT_EVERY, URLS_A_CALL, _lines, _urls, anonymous_mib


@pytest.mark.parametrize("call", [0, 1, 7])
def test_every_tenth_url_lies_below_a_name_of_the_list(call: int) -> None:
    size = 12_345
    listed = {line.partition(b"\t")[2].decode() for line in b"".join(_lines(size)).splitlines()}
    urls = _urls(size, call)
    assert len(listed) == size
    assert len(urls) == len(set(urls)) == URLS_A_CALL
    hits = [url.split("/")[2].removeprefix("www.") in listed for url in urls]
    assert hits == [position % HIT_EVERY == 0 for position in range(URLS_A_CALL)]


def test_memory_of_a_process_is_seen() -> None:
    assert anonymous_mib(os.getpid()) > 1
