import json

import pytest

from caseway_catalog import check_submission, load
from caseway_catalog.offered import offered


def test_what_intake_serves_is_the_same_catalogue_to_those_who_render_it() -> None:
    catalog = load()
    served = offered(json.loads(json.dumps(catalog.public())))
    assert served.public() == catalog.public()
    assert served.version == catalog.version


def test_its_rules_find_the_same_faults() -> None:
    catalog = load()
    served = offered(catalog.public())
    for category in catalog.categories:
        body = {"issue_type": category.issue_type, "category": category.slug, "severity": "high"}
        assert check_submission(served, body, None) == check_submission(catalog, body, None)


@pytest.mark.parametrize("content", [{}, {"issue_types": None}, {"issue_types": [1], "categories": []}])
def test_what_is_no_catalogue_is_refused_as_one_error(content: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="catalog"):
        offered(content)
