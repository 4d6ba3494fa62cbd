"""Categories of URLs on the command line: by number or name, as the catalogue has them."""

from typing import Annotated

import typer

from caseway_embedded.cli.client import Api

Categories = Annotated[
    list[str] | None,
    typer.Option("--category", metavar="NUMBER-OR-NAME", help="What the URL holds, as in the catalogue. Repeat it."),
]
Rating = Annotated[
    str | None, typer.Option(help="safe, suspicious, highly-suspicious, dangerous or untested.", show_default=False)
]


class UrlCategories:
    def __init__(self, api: Api) -> None:
        self._names: dict[int, str] = {one["id"]: one["name"] for one in api.get("/catalog")["url_categories"]}

    def numbers(self, given: list[str]) -> list[int]:
        known = {name.casefold(): number for number, name in self._names.items()}
        numbers = [known.get(one.casefold(), _number(one)) for one in given]
        if unknown := [one for one, number in zip(given, numbers, strict=True) if number not in self._names]:
            names = ", ".join(sorted(self._names.values()))
            raise typer.BadParameter(f"no category {', '.join(unknown)}. There are: {names}")
        return [number for number in numbers if number is not None]

    def named(self, numbers: list[int]) -> str:
        return ", ".join(self._names.get(number, str(number)) for number in numbers)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 9 else None
