from pathlib import Path

from caseway_embedded.data_dir import DataDir
from caseway_embedded.settings import own_settings


def test_lists_are_built_below_the_data_folder_without_what_a_kill_left(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    for _ in range(2):
        folder = Path(own_settings("url-rating", data, {}, tmp_path)["URL_RATING_SCRATCH"])
        assert folder.is_relative_to(data.root)
        assert list(folder.iterdir()) == []
        (folder / "left").touch()
