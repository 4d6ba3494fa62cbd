"""Every topic has an owner of its own in CODEOWNERS; a line about a folder above owns nothing in particular."""

from collections.abc import Sequence
from fnmatch import fnmatch

from caseway_contracts.gates.finding import Finding
from caseway_contracts.topics import Topic

TOPICS = "shared/contracts/src/caseway_contracts/topics"


def owners(path: str, codeowners: str, *, below: str) -> list[str]:
    """Owners by the last line that matches, as forges decide it, of the lines about what is ``below`` a folder."""
    found: list[str] = []
    for line in codeowners.splitlines():
        pattern, *names = line.split("#", 1)[0].split() or [""]
        pattern = pattern.strip("/")
        if pattern.startswith(f"{below}/") and (fnmatch(path, pattern) or path.startswith(f"{pattern}/")):
            found = names
    return found


def every_topic_has_an_owner(topics: Sequence[Topic], codeowners: str) -> list[Finding]:
    return [
        Finding(topic.name, "has no owner in CODEOWNERS")
        for topic in topics
        if not owners(f"{TOPICS}/{topic.name}.yaml", codeowners, below=TOPICS)
    ]
