import shutil
from pathlib import Path


class Scratch:
    """Where attachments lie while they are looked at, and where the sandbox's children work."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.fetched = folder / "fetched"
        self.sandbox = folder / "sandbox"

    def make(self) -> None:
        """Make the folders, without what a killed process left in them."""
        for folder in (self.fetched, self.sandbox):
            shutil.rmtree(folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.fetched.mkdir(mode=0o700)
        self.sandbox.mkdir()
        for folder in (self._folder, self.sandbox):  # the sandbox's users pass through them to their own folders
            folder.chmod(0o711)
