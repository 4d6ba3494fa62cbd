from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseway_catalog import Catalog, check_profile, check_submission, check_update
from caseway_catalog.addresses import is_reputation_address
from caseway_catalog.form_fields import check_fields
from caseway_catalog.forms import SUBMISSION_KEYS, UPDATE_KEYS
from caseway_catalog.profile_form import PROFILE_KEYS

CATEGORIES = ["digital-vaccine-filter", "threatdv-filter", "collected-threat-sample-analysis", "url-reclassification"]
WORDS = st.sampled_from(
    ["", " ", "high", "phone", "url", "upload_id", "method", "request_kind", "repdv-entries", "verification", "1"]
)
# With lone surrogates, as JSON may carry them.
TEXT = WORDS | st.text(st.characters(), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


PROFILES = st.none() | st.fixed_dictionaries(
    {"product": JSON, "operating_systems": st.just(["windows-10"]) | JSON},
)


@given(
    st.sampled_from(CATEGORIES), st.dictionaries(st.sampled_from(SUBMISSION_KEYS) | TEXT, JSON, max_size=6), PROFILES
)
def test_no_submission_raises(
    catalog: Catalog,
    make_submission: Callable[..., dict[str, Any]],
    category: str,
    changes: dict[str, Any],
    profile: dict[str, Any] | None,
) -> None:
    submission = {**make_submission(category), **changes}
    for error in check_submission(catalog, submission, profile, check_url=lambda _: None):
        error.model_dump_json()


@given(JSON)
def test_no_body_raises(catalog: Catalog, body: Any) -> None:
    rules = catalog.category("collected-threat-sample-analysis")
    assert isinstance(body, dict) or check_submission(catalog, body, None)
    assert isinstance(body, dict) or check_profile(catalog, body)
    check_update(catalog, body, rules, business_impact_known=False)


@given(st.dictionaries(st.sampled_from(UPDATE_KEYS) | TEXT, JSON, max_size=6))
def test_no_update_raises(catalog: Catalog, update: dict[str, Any]) -> None:
    rules = catalog.category("url-reclassification")
    for error in check_update(catalog, update, rules, business_impact_known=False):
        error.model_dump_json()


@given(st.dictionaries(st.sampled_from(PROFILE_KEYS) | TEXT, JSON, max_size=6))
def test_no_profile_raises(
    catalog: Catalog, make_profile: Callable[..., dict[str, Any]], changes: dict[str, Any]
) -> None:
    for error in check_profile(catalog, {**make_profile(), **changes}):
        error.model_dump_json()


ENTRY = {"address": "192.0.2.1", "tag": "spam", "direction": "add"}
ANSWERS = st.fixed_dictionaries(
    {"request_kind": st.sampled_from(["new-filter", "verification", "repdv-entries"])},
    optional={
        "filter_number": st.sampled_from(["1", "x"]) | JSON,
        "threat": TEXT,
        "repdv_entries": st.lists(
            st.dictionaries(st.sampled_from(list(ENTRY)), TEXT, max_size=3).map(lambda row: {**ENTRY, **row}) | JSON
        ),
    },
)


@given(st.sampled_from(CATEGORIES[:2]), ANSWERS)
def test_accepted_answers_satisfy_the_published_json_schema(
    catalog: Catalog, category: str, answers: dict[str, Any]
) -> None:
    form = catalog.category(category).form
    formats = jsonschema.FormatChecker(formats=())
    formats.checks("reputation-address")(lambda value: is_reputation_address(str(value)))
    published = form.model_dump(mode="json", by_alias=True, exclude_none=True)
    faults = "".join(error.field + "/" for error in check_fields(form, answers))
    for name in form.shown(answers):
        if f"/fields/{name}/" not in faults and answers.get(name) not in (None, ""):
            jsonschema.validate(answers[name], published["fields"][name], format_checker=formats)


@pytest.mark.parametrize("size", [1_000_000])
def test_endless_lists_are_answered_briefly(
    catalog: Catalog,
    make_submission: Callable[..., dict[str, Any]],
    make_profile: Callable[..., dict[str, Any]],
    size: int,
) -> None:
    endless = [None] * size
    keys = ("affected_operating_systems", "cc", "attachments", "urls")
    submission = {**make_submission("collected-threat-sample-analysis"), **dict.fromkeys(keys, endless)}
    submission |= {str(number): number for number in range(1000)}
    assert len(check_submission(catalog, submission, make_profile())) < 100
