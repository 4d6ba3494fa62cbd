from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from caseway_contracts.sr_numbers import HIGHEST, SrNumber, SrParts, format_sr, parse_sr

regions = st.integers(0, 99).map("{:02}".format)
ARABIC = "\u0660\u0661"  # digits too, but not ours
numbers = st.integers(0, HIGHEST)


def test_the_example_of_the_interface_holds() -> None:
    assert format_sr("01", 42) == "SR01-000000042-4"
    assert parse_sr("SR01-000000042-4") == SrParts("01", 42)


@given(regions, numbers)
def test_what_is_formatted_parses(region: str, number: int) -> None:
    assert parse_sr(format_sr(region, number)) == SrParts(region, number)


@given(regions, numbers)
def test_every_single_wrong_digit_is_found(region: str, number: int) -> None:
    good = format_sr(region, number)
    for place in _digits(good):
        for digit in "0123456789":
            if digit != good[place]:
                with pytest.raises(ValueError, match="check digit"):
                    parse_sr(good[:place] + digit + good[place + 1 :])


@given(regions, numbers)
def test_every_swap_of_two_neighbours_is_found(region: str, number: int) -> None:
    good = format_sr(region, number)
    places = _digits(good)
    for left, right in pairwise(places):
        if good[left] != good[right]:
            swapped = list(good)
            swapped[left], swapped[right] = swapped[right], swapped[left]
            with pytest.raises(ValueError, match="check digit"):
                parse_sr("".join(swapped))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sr01-000000042-4",
        "SR01-42-4",
        "SR01-000000042-4\n",
        " SR01-000000042-4",
        "SR01000000042-4",
        f"SR{ARABIC}-000000042-4",
    ],
)
def test_what_is_not_written_as_an_sr_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="looks like"):
        parse_sr(text)


@pytest.mark.parametrize(("region", "number"), [("1", 1), (ARABIC, 1), ("01", -1), ("01", HIGHEST + 1)])
def test_a_number_that_has_no_place_is_refused(region: str, number: int) -> None:
    with pytest.raises(ValueError, match="digits"):
        format_sr(region, number)


@pytest.mark.parametrize("text", ["SR01-000000042-5", "SR01-000000042-4\n", "REF-1"])
def test_the_type_refuses_what_parsing_refuses(text: str) -> None:
    adapter = TypeAdapter(SrNumber)

    assert adapter.validate_python("SR01-000000042-4") == "SR01-000000042-4"
    with pytest.raises(ValidationError):
        adapter.validate_python(text)


def _digits(text: str) -> list[int]:
    return [place for place, letter in enumerate(text) if letter.isdigit()]
