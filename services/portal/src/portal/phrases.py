"""All that the pages say, in one file a language."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml


class Phrases:
    """``phrases("products.title")``; braces take values, and ``one``/``other`` below a key are chosen by ``n``."""

    def __init__(self, texts: Mapping[str, Any], language: str) -> None:
        self.language = language
        self._texts = dict(_flat(texts, ""))

    def __call__(self, key: str, **values: object) -> str:
        if key not in self._texts and "n" in values:
            key = f"{key}.{'one' if values['n'] == 1 else 'other'}"
        text = self._texts[key]
        return text.format_map(values) if values else text

    def __contains__(self, key: object) -> bool:
        return key in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)


@cache
def phrases(language: str = "en") -> Phrases:
    return Phrases(yaml.safe_load(files("portal").joinpath("texts", f"{language}.yaml").read_text("utf-8")), language)


def _flat(texts: Mapping[str, Any], above: str) -> list[tuple[str, str]]:
    found = []
    for name, value in texts.items():
        key = f"{above}{name}"
        found += _flat(value, f"{key}.") if isinstance(value, Mapping) else [(key, str(value).rstrip("\n"))]
    return found
