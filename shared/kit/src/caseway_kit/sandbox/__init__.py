from caseway_kit.sandbox.budget import MIB, Budget
from caseway_kit.sandbox.children import Preload
from caseway_kit.sandbox.errors import ParserError, SandboxCrash, SandboxError, SandboxLimit, SandboxUnavailable
from caseway_kit.sandbox.isolation import Isolation
from caseway_kit.sandbox.pool import Sandbox
from caseway_kit.sandbox.sample import Sample

__all__ = [
    "MIB",
    "Budget",
    "Isolation",
    "ParserError",
    "Preload",
    "Sample",
    "Sandbox",
    "SandboxCrash",
    "SandboxError",
    "SandboxLimit",
    "SandboxUnavailable",
]
