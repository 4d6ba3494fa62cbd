from pathlib import Path

import pytest

from caseway_kit.testing.corpora import corpora


def test_the_corpora_say_so_when_they_are_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CASEWAY_CORPORA", str(tmp_path / "nowhere"))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="nowhere"):
        corpora()

    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="nowhere"):
        corpora()
