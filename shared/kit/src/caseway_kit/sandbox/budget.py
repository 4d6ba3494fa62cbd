from dataclasses import asdict, dataclass
from typing import Any

MIB = 1024 * 1024


@dataclass(frozen=True)
class Budget:
    """What one job may use; a job that needs more ends as ``SandboxLimit`` with the name of the field."""

    wall_seconds: float = 60
    cpu_seconds: float = 60
    memory_bytes: int = 512 * MIB  # beyond what an idle child uses; a mapped sample is not counted
    files: int = 64  # open at once
    written_bytes: int = 100 * MIB  # to its folder, and as much again to an output
    result_bytes: int = 32 * MIB

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    def within(self, ceiling: "Budget") -> bool:
        theirs = ceiling.plain()
        return all(0 < value <= theirs[name] for name, value in self.plain().items())
