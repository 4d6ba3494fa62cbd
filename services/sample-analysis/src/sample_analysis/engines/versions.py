"""Names and versions of what takes part in an analysis; a result is only comparable with one of the same."""

from functools import cache
from importlib.metadata import version

from caseway_kit.archives import library
from sample_analysis.engines import documents, programs, team_rules, yara
from sample_analysis.engines.mailing import pages

# Grows with every change that can give the same bytes another result.
ANALYSIS = "5"
_PARSERS = ("olefile", "msoffcrypto-tool", "pypdf", "pefile")


@cache
def versions() -> tuple[str, ...]:
    team = team_rules.in_force
    return (
        f"caseway-analysis/{ANALYSIS}",
        f"caseway-rules/{yara.rules_version()}",
        f"caseway-documents/{documents.VERSION}",
        f"caseway-programs/{programs.VERSION}",
        f"caseway-pages/{pages.VERSION}",
        f"yara-x/{version('yara-x')}",
        f"libarchive/{library.version().split()[0]}",
        *(f"{name}/{version(name)}" for name in _PARSERS),
        *([f"team-rules/{team.version}"] if team.version else []),
        *([f"lists/{team.lists.version}"] if team.lists.version else []),
    )
