"""Which files of the teams' folder are theirs to us, by name: rules, or one of the lists."""

_RULES = (".yar", ".yara")
_LISTS = ("safelist", "blocklist", "near", "dkim")


def is_rules(name: str) -> bool:
    return name.endswith(_RULES)


def list_kind(name: str) -> str | None:
    """What a file lists: its name begins with one of the kinds and ends in ``.txt``."""
    return next((kind for kind in _LISTS if name.startswith(kind) and name.endswith(".txt")), None)
