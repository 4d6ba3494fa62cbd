from typing import Any

import pytest

from caseway_catalog import Catalog
from caseway_catalog.form_fields import check_fields
from caseway_catalog.form_schema import Form

REQUEST = {"request_kind": "repdv-entries"}
ENTRY = {"address": "192.0.2.1", "tag": "botnet", "direction": "add"}


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({}, {"/fields/request_kind": "required"}),
        ({"request_kind": "new-filter"}, {"/fields/threat": "required"}),
        ({"request_kind": "new-filter", "threat": " "}, {"/fields/threat": "required"}),
        ({"request_kind": "new-filter", "threat": "CVE-2017-0144"}, {}),
        ({"request_kind": "verification"}, {"/fields/filter_number": "required"}),
        ({"request_kind": "verification", "filter_number": "12345"}, {}),
        ({"request_kind": "verification", "filter_number": "12345\n"}, {"/fields/filter_number": "choice.invalid"}),
        ({"request_kind": "verification", "filter_number": "1" * 10}, {"/fields/filter_number": "text.too_long"}),
        ({"request_kind": "verification", "filter_number": 12345}, {"/fields/filter_number": "choice.invalid"}),
        ({"request_kind": "verification", "filter_number": "1", "threat": "x"}, {"/fields/threat": "field.unknown"}),
        ({"request_kind": ["verification"]}, {"/fields/request_kind": "choice.invalid"}),
        (REQUEST, {"/fields/repdv_entries": "required"}),
        ({**REQUEST, "repdv_entries": []}, {"/fields/repdv_entries": "required"}),
        ({**REQUEST, "repdv_entries": {}}, {"/fields/repdv_entries": "choice.invalid"}),
        ({**REQUEST, "repdv_entries": [ENTRY] * 101}, {"/fields/repdv_entries": "choice.invalid"}),
        ({**REQUEST, "repdv_entries": [ENTRY, "x"]}, {"/fields/repdv_entries/1": "choice.invalid"}),
        ({**REQUEST, "repdv_entries": [{**ENTRY, "score": 1}]}, {"/fields/repdv_entries/0/score": "field.unknown"}),
        ({**REQUEST, "repdv_entries": [{**ENTRY, "tag": "bot"}]}, {"/fields/repdv_entries/0/tag": "choice.invalid"}),
        ({**REQUEST, "repdv_entries": [{**ENTRY, "tag": None}]}, {"/fields/repdv_entries/0/tag": "required"}),
    ],
)
def test_answers_are_checked(catalog: Catalog, fields: dict[str, Any], faults: dict[str, str]) -> None:
    form = catalog.category("threatdv-filter").form
    assert {error.field: error.code for error in check_fields(form, fields)} == faults


@pytest.mark.parametrize(
    ("address", "is_taken"),
    [
        ("192.0.2.1", True),
        ("2001:db8::1", True),
        ("bad.site.example", True),
        ("xn--bcher-kva.example.", True),
        ("192.0.2.256", False),
        ("192.0.2.0/24", False),
        ("fe80::1%eth0", False),
        ("http://site.example", False),
        ("localhost", False),
        ("-x.example", False),
        ("site.example\n", False),
    ],
)
def test_reputation_address_is_an_ip_address_or_a_dns_name(catalog: Catalog, address: str, is_taken: bool) -> None:
    fields = {**REQUEST, "repdv_entries": [{**ENTRY, "address": address}]}
    faults = {error.code for error in check_fields(catalog.category("threatdv-filter").form, fields)}
    assert faults == (set() if is_taken else {"address.invalid"})


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"agreed": True, "hosts": 5, "why": "it"}, {}),
        ({"agreed": True}, {"/fields/hosts": "required"}),
        ({"agreed": False, "hosts": 5}, {"/fields/hosts": "field.unknown"}),
        ({"agreed": 1}, {"/fields/agreed": "choice.invalid"}),
        ({"agreed": True, "hosts": True}, {"/fields/hosts": "choice.invalid"}),
        ({"agreed": True, "hosts": 0}, {"/fields/hosts": "choice.invalid"}),
        ({"agreed": True, "hosts": 5, "why": "x"}, {"/fields/why": "choice.invalid"}),
    ],
)
def test_every_type_of_field_is_checked(fields: dict[str, Any], faults: dict[str, str]) -> None:
    form = Form.model_validate(
        {
            "fields": {
                "agreed": {"type": "boolean", "title": "Agreed"},
                "hosts": {"type": "integer", "title": "Hosts", "minimum": 1, "maximum": 9},
                "why": {"type": "string", "title": "Why", "minLength": 2, "maxLength": 9},
            },
            "required": ["agreed", "hosts"],
            "show-when": [{"fields": ["hosts"], "when": "agreed", "in": [True]}],
        }
    )
    assert {error.field: error.code for error in check_fields(form, fields)} == faults
