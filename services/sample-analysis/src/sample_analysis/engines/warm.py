"""Imported by the sandbox's first process, so that its children are born with the rules compiled."""

from sample_analysis.engines import versions

versions()
