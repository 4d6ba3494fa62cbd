import os
from pathlib import Path

import pytest


def corpora(name: str = "") -> Path:
    """The folder of real-world inputs (or one corpus of it): ``CASEWAY_CORPORA``, else beside the repository.

    Where it is absent the test passes over and says so; with ``CI`` set its absence fails the test.
    """
    given = os.environ.get("CASEWAY_CORPORA")
    folder = (Path(given) if given else _repository() / "../shared/corpora").resolve() / name
    if folder.is_dir():
        return folder
    said = f"the corpora are not at {folder}; set CASEWAY_CORPORA"
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


def _repository() -> Path:
    for folder in Path(__file__).resolve().parents:
        if (folder / "shared" / "kit").is_dir():
            return folder
    return Path.cwd()
