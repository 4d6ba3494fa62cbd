from typing import NamedTuple


class Finding(NamedTuple):
    """Something that keeps a change of the contracts out, with where it is."""

    where: str
    says: str

    def __str__(self) -> str:
        return f"{self.where}: {self.says}"
