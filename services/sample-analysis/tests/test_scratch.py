import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caseway_kit.objects import ObjectDamaged, Objects
from sample_analysis.scratch import Scratch


async def test_a_sample_has_no_name_of_its_own_and_goes_when_it_was_looked_at(
    scratch: Scratch, upload: Callable[..., Any]
) -> None:
    async with scratch.fetched(await upload(b"bytes")) as path:
        assert path.read_bytes() == b"bytes"
        assert path.suffix == ""
    assert not path.exists()


async def test_a_sample_with_other_bytes_is_not_handed_out(scratch: Scratch, upload: Callable[..., Any]) -> None:
    ref = await upload(b"bytes")
    with pytest.raises(ObjectDamaged):
        async with scratch.fetched(ref.model_copy(update={"sha256": "0" * 64})):
            pass
    assert [path.name for path in scratch.folder.iterdir()] == [".in-use"]


def test_what_a_killed_process_left_is_swept_and_what_another_uses_stays(tmp_path: Path, objects: Objects) -> None:
    root = tmp_path / "root"
    other = Scratch(root, objects)
    left = root / "run-left"
    left.mkdir()
    (left / ".in-use").touch()
    (left / "sample").write_bytes(b"bytes")
    scratch = Scratch(root, objects)
    assert not left.exists()
    assert other.folder.exists()
    scratch.close()
    other.close()
    assert list(root.iterdir()) == []


def test_a_folder_that_another_process_swept_before_it_was_locked_is_not_used(
    tmp_path: Path, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock
    swept: list[Path] = []

    def sweep_then_lock(file: Any, operation: int) -> None:
        if not swept:
            [folder] = tmp_path.iterdir()
            swept.append(folder)
            shutil.rmtree(folder)
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", sweep_then_lock)
    scratch = Scratch(tmp_path, objects)
    assert [folder.name for folder in tmp_path.iterdir()] == [scratch.folder.name] != [swept[0].name]
    scratch.close()


def test_a_scratch_folder_of_somebody_else_is_refused(
    tmp_path: Path, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345678)
    with pytest.raises(PermissionError):
        Scratch(tmp_path, objects)
