"""What can be found out about a piece of evidence, as pure functions: bytes and limits in, plain data out."""

from sample_analysis.engines.files import analyze
from sample_analysis.engines.versions import versions

__all__ = ["analyze", "versions"]
