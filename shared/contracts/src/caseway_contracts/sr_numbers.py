"""SR numbers, such as ``SR01-000000042-4``: region, number in it, and a check digit that finds every single wrong
digit and every swap of two neighbours (Damm, over all eleven digits before it)."""

import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field

PATTERN = r"^SR[0-9]{2}-[0-9]{9}-[0-9]$"
HIGHEST = 999_999_999

# H. M. Damm's totally anti-symmetric quasigroup of order 10.
_TABLE = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


class SrParts(NamedTuple):
    region: str
    number: int


def check_digit(digits: str) -> int:
    interim = 0
    for digit in digits:
        interim = int(_TABLE[interim][int(digit)])
    return interim


def format_sr(region: str, number: int) -> str:
    if not re.fullmatch("[0-9]{2}", region):
        raise ValueError(f"a region has two digits, not {region!r}")
    if not 0 <= number <= HIGHEST:
        raise ValueError(f"a number within a region has at most nine digits: {number}")
    return f"SR{region}-{number:09}-{check_digit(f'{region}{number:09}')}"


def parse_sr(text: str) -> SrParts:
    """Refuses, with ValueError, what was not written as :func:`format_sr` does or has another check digit."""
    if not re.fullmatch(PATTERN[1:-1], text):
        raise ValueError("an SR number looks like SR01-000000042-4")
    region, number = text[2:4], text[5:14]
    if check_digit(region + number) != int(text[15]):
        raise ValueError("the check digit does not fit: a digit was mistyped")
    return SrParts(region, int(number))


def _checked(text: str) -> str:
    parse_sr(text)
    return text


SrNumber = Annotated[str, Field(pattern=PATTERN), AfterValidator(_checked)]
