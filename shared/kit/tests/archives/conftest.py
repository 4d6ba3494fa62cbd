import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from caseway_kit.archives import Budget, Content, Limits, open_archive
from caseway_kit.testing.corpora import corpora as find_corpora

Unpack = Callable[..., dict[str, bytes]]


@pytest.fixture
def make_zip() -> Callable[[dict[str, bytes]], bytes]:
    def make(members: dict[str, bytes]) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return out.getvalue()

    return make


@pytest.fixture
def make_tar() -> Callable[..., bytes]:
    def make(members: dict[str, bytes], mode: str = "w") -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]  # the mode is data here
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return out.getvalue()

    return make


@pytest.fixture
def unpack() -> Unpack:
    def unpack(
        data: bytes, *, passwords: tuple[str, ...] = (), name: str = "", limits: Limits | None = None
    ) -> dict[str, bytes]:
        budget = Budget(limits=limits or Limits(), piece_bytes=len(data))
        with open_archive(Content.of_bytes(data), budget=budget, passwords=passwords, name=name) as archive:
            return {m.path: b"".join(m.chunks()) for m in archive.members() if m.kind == "file"}

    return unpack


@pytest.fixture
def corpora() -> Path:
    return find_corpora()
