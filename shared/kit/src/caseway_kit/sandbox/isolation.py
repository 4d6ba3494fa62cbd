from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Isolation:
    """What really holds around the children on this machine; layers that don't are in ``missing`` with the reason."""

    seccomp: bool = False
    network_namespace: bool = False
    own_root: bool = False
    landlock_abi: int = 0
    uid: int = 0
    switched_uid: bool = False
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def hides_files(self) -> bool:
        """Whether a parser is kept from what else the service may read."""
        return self.own_root or self.landlock_abi > 0 or self.switched_uid

    def sentences(self) -> list[str]:
        held = {
            "seccomp: no sockets, no new processes or programs, no tracing, no signals to others": self.seccomp,
            "network namespace: there is no network": self.network_namespace,
            "own root: only the Python installation and the scratch folder can be seen": self.own_root,
            f"Landlock {self.landlock_abi}: other paths are refused": self.landlock_abi > 0,
            f"own user id {self.uid}": self.switched_uid,
        }
        return [layer for layer, holds in held.items() if holds] + [
            f"without {layer}: {reason}" for layer, reason in self.missing.items()
        ]

    def plain(self) -> dict[str, Any]:
        return asdict(self)
