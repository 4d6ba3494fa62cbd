from pathlib import Path

import pytest

from caseway_embedded.data_dir import StackError
from caseway_embedded.parts import kafka_jars


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    manifest = tmp_path / "manifest"
    manifest.write_text("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  a.jar\n")
    monkeypatch.setattr(kafka_jars, "MANIFEST", manifest)
    (tmp_path / "a.jar").write_text("hello")
    return tmp_path


def test_the_jars_of_the_manifest_are_taken(jars: Path) -> None:
    kafka_jars.check(jars)


def test_a_changed_jar_is_refused_by_name(jars: Path) -> None:
    (jars / "a.jar").write_text("hello, I was changed")
    with pytest.raises(StackError, match=r"a\.jar"):
        kafka_jars.check(jars)


def test_a_jar_too_many_is_refused_by_name(jars: Path) -> None:
    (jars / "b.jar").write_text("who are you?")
    with pytest.raises(StackError, match=r"b\.jar"):
        kafka_jars.check(jars)


def test_what_an_interrupted_download_left_is_neither_used_nor_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASEWAY_CACHE", str(tmp_path))
    left = tmp_path / f"{kafka_jars.jars_folder().name}-part-left"
    left.mkdir()

    def download(work: Path) -> None:
        (work / "lib").mkdir()
        (work / "lib" / "a.jar").touch()

    monkeypatch.setattr(kafka_jars, "_resolve", download)

    assert [jar.name for jar in kafka_jars.fetch().iterdir()] == ["a.jar"]
    assert not left.exists()
