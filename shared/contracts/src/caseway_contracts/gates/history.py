"""A version only grows: the schemas and examples of the main branch against those of the working tree."""

import json
from collections.abc import Collection, Mapping

from caseway_contracts.gates.compatibility import changes
from caseway_contracts.gates.finding import Finding

HTTP = "http/"


def schemas_only_grow(base: Mapping[str, str], current: Mapping[str, str]) -> list[Finding]:
    """Both map a path below ``schemas/`` to its text.

    Events and objects are read by services that are deployed already and written by ones that are not, so they may
    neither narrow nor widen; the HTTP interface may widen.
    """
    findings = []
    for path in sorted(base):
        if path not in current:
            findings.append(Finding(path, "was removed, but events of that version are stored for ever"))
            continue
        found = changes(json.loads(base[path]), json.loads(current[path]))
        findings += [
            Finding(f"{path}{change.where}", change.says)
            for change in found
            if change.breaks == "history" or not path.startswith(HTTP)
        ]
    return findings


def examples_stay(base: Collection[str], current: Collection[str]) -> list[Finding]:
    return [
        Finding(path, "was removed, but an example stays as long as its version is stored")
        for path in sorted(set(base) - set(current))
    ]
