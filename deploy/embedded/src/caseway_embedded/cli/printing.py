"""Words of others on a terminal: as they are, and without power over it."""

from rich.markup import escape

# C0 and C1 controls move the cursor, set the title or answer as if typed; bidirectional marks reorder what is read.
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), "�")
_MARKS = dict.fromkeys((0x061C, *range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")


def harmless(text: object) -> str:
    """``text`` for one line of a terminal, with no control characters in it."""
    return str(text).translate(_CONTROLS | _MARKS)


def shown(text: object) -> str:
    """The same for what rich prints: no markup in force either."""
    return escape(harmless(text))
