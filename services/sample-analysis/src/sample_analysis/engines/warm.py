"""Imported by the sandbox's first process, so that its children are born with the rules and all parsers in place."""

from sample_analysis.engines import files, versions

_ENTRY = files.analyze

versions()
