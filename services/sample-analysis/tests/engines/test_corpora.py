import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from caseway_contracts.results import EvidenceReport
from sample_analysis.engines import analyze

# Of computing, on a machine that may have much else to do.
SECONDS = 30
MISSING = {"salt": "0" * 32, "sr_number": "SR01-000000042-4", "revision": 1}


@pytest.mark.parametrize("kind", ["file", "email", "attk_log"])
def test_every_file_of_the_corpora_ends_in_a_result(corpora: Path, kind: str) -> None:
    for path in sorted(corpora.rglob("*")):
        if not path.is_file():
            continue
        started = time.process_time()
        plain = analyze(path, "evidence", path.name, kind, ("password",))
        assert time.process_time() - started < SECONDS, path
        EvidenceReport.model_validate(json.loads(json.dumps(plain)) | MISSING)


def test_truncated_and_flipped_mails_and_archives_end_in_a_result(
    corpora: Path, examine: Callable[..., object]
) -> None:
    chosen = ["email-mimekit/messages", "email-rspamd", "zip-malo/accept", "archive-mitra/zip"]
    for path in (file for folder in chosen for file in sorted((corpora / folder).iterdir())[:6] if file.is_file()):
        data = path.read_bytes()[:20_000]
        for end in range(1, len(data), max(64, len(data) // 8)):
            examine(data[:end], path.name)
            examine(data[:end] + bytes([data[end] ^ 0x80]) + data[end + 1 :], path.name)
