"""Whether a name pretends to be that of a brand: by letters that look alike, or by one letter that is wrong."""

import json
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

import idna

# Of shorter brands, too many honest names are one letter away.
SHORTEST_TYPO = 6
LONGEST_LABEL = 63
_LIKE = str.maketrans({"0": "o", "1": "l", "3": "e", "5": "s", "7": "t", "8": "b", "9": "g", "i": "l", "-": None})
_SCRIPTS_TOGETHER = ({"HIRAGANA", "KATAKANA", "CJK", "LATIN", "KATAKANA-HIRAGANA"}, {"HANGUL", "CJK", "LATIN"})


class Brands:
    """Names that are pretended to be, found by look-alike and by typing error without comparing with each."""

    def __init__(self, names: Iterable[str], ordinary: Iterable[str] = ()) -> None:
        """``ordinary`` words are near a name and mean themselves."""
        self.names = frozenset(names)
        self._ordinary = frozenset(ordinary)
        self._shapes = {shape(name): name for name in self.names}
        self._typos: dict[str, set[str]] = {}
        for name in self.names:
            if len(name) >= SHORTEST_TYPO:
                for part in _one_less(name):
                    self._typos.setdefault(part, set()).add(name)

    def looks_like(self, label: str) -> str | None:
        """The brand that the label is not, and is taken for."""
        if label in self.names or label in self._ordinary or len(label) > LONGEST_LABEL:
            return None
        if (name := self._shapes.get(shape(label))) is not None:
            return name
        if len(label) < SHORTEST_TYPO - 1:
            return None
        near = {name for part in _one_less(label) for name in self._typos.get(part, ())}
        return next((name for name in sorted(near) if _one_apart(label, name)), None)


def shape(label: str) -> str:
    """What a name looks like at a glance: one spelling for all that are mistaken for each other."""
    return label.translate(_LIKE).replace("rn", "m").replace("vv", "w").replace("cl", "d")


def latin(label: str) -> str:
    """A Unicode name in the Latin letters that its own look like."""
    letters = "".join(_confusables().get(letter, letter) for letter in unicodedata.normalize("NFKC", label))
    marked = unicodedata.normalize("NFD", letters)
    return "".join(letter for letter in marked if not unicodedata.combining(letter)).casefold()


def unicode_label(label: str) -> str:
    """A label of a host as a browser may show it."""
    if not label.startswith("xn--") or len(label) > LONGEST_LABEL:
        return label
    try:
        return idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        return label


def mixed_scripts(label: str) -> list[str]:
    """The scripts of a label, where they are not ones that are written together."""
    scripts = {unicodedata.name(letter, "?").partition(" ")[0] for letter in label if letter.isalpha()}
    together = len(scripts) < 2 or any(scripts <= group for group in _SCRIPTS_TOGETHER)
    return [] if together else sorted(scripts)


def _one_less(name: str) -> Iterator[str]:
    yield name
    for position in range(len(name)):
        yield name[:position] + name[position + 1 :]


def _one_apart(one: str, other: str) -> bool:
    """One letter more, less, other, or two neighbours swapped."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    if len(a) == len(b):
        return a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
    return a[1:] == b if len(a) > len(b) else a == b[1:]


@cache
def _confusables() -> dict[str, str]:
    # The package itself takes a second to import; what we need of it is Unicode's table.
    table = json.loads((files("confusable_homoglyphs") / "confusables.json").read_text("utf-8"))
    found: dict[str, str] = {}
    for letter, alikes in table.items():
        if len(letter) == 1 and not letter.isascii():
            plain = [one["c"].lower() for one in alikes if one["c"].isascii() and one["c"].isalnum()]
            if plain:
                found[letter] = plain[0]
    return found
