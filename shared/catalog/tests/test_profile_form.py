from collections.abc import Callable
from typing import Any

import pytest

from caseway_catalog import Catalog, check_profile

GUID = "01234567-89ab-CDEF-0123-456789abcdef"


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, {}),
        ({"toolbox_guid": GUID}, {}),
        ({"toolbox_guid": f"{{{GUID}}}"}, {}),
        ({"toolbox_guid": f"{{{GUID}"}, {"/toolbox_guid": "choice.invalid"}),
        ({"toolbox_guid": 5}, {"/toolbox_guid": "choice.invalid"}),
        ({"product": "apex-one", "version": "2019", "toolbox_guid": GUID}, {"/toolbox_guid": "field.unknown"}),
        ({"product": "apex-one"}, {"/version": "choice.invalid"}),
        ({"product": "abacus"}, {"/product": "choice.invalid"}),
        ({"product": None}, {"/product": "required"}),
        ({"name": ""}, {"/name": "required"}),
        ({"name": "n" * 256}, {"/name": "text.too_long"}),
        ({"version": 11.0}, {"/version": "choice.invalid"}),
        ({"operating_systems": []}, {"/operating_systems": "required"}),
        ({"operating_systems": ["windows-10", "cp-m"]}, {"/operating_systems/1": "choice.invalid"}),
        ({"operating_systems": ["windows-10"] * 99}, {"/operating_systems": "choice.invalid"}),
        ({"operating_systems": {"windows-10": True}}, {"/operating_systems": "choice.invalid"}),
        ({"language": "tlh"}, {"/language": "choice.invalid"}),
        ({"settings": None}, {}),
        ({"settings": ["email-reputation"]}, {"/settings/0": "choice.invalid"}),
        ({"activation_code": ["x"]}, {"/activation_code": "choice.invalid"}),
        ({"account_id": "other"}, {"/account_id": "field.unknown"}),
    ],
)
def test_profile_is_checked_against_its_product(
    catalog: Catalog, make_profile: Callable[..., dict[str, Any]], changes: dict[str, Any], faults: dict[str, str]
) -> None:
    errors = check_profile(catalog, make_profile(**changes))
    assert {error.field: error.code for error in errors} == faults
