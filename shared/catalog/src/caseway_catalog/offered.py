"""The catalogue as intake serves it, for those who render its forms: what customers see, without teams and routes."""

from collections.abc import Mapping
from typing import Any

from caseway_catalog.catalog import Catalog

NOBODY = {"team": "unknown"}


def offered(content: Mapping[str, Any]) -> Catalog:
    """The catalogue of the body of ``GET /catalog``; raises ValueError (pydantic's too) for what is none."""
    try:
        given = {name: value for name, value in content.items() if name not in ("version", "url_categories")}
        given["issue_types"] = [_issue_type(one) for one in content["issue_types"]]
        given["categories"] = [{**one, "routing": NOBODY} for one in content["categories"]]
        groups: dict[str, dict[int, str]] = {}
        for one in content["url_categories"]:
            groups.setdefault(one["group"], {})[one["id"]] = one["name"]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no catalogue: {error}") from error
    return Catalog.model_validate(
        {
            **given,
            "url_category_groups": [
                {"group": group, "meaning": group, "categories": categories} for group, categories in groups.items()
            ],
            "teams": (),
            "routing": (),
            "samples": {"passwords": (), "susceptible": ()},
        }
    )


def _issue_type(given: Mapping[str, Any]) -> dict[str, Any]:
    issue_type = {name: value for name, value in given.items() if name != "takes_category"}
    if issue_type.get("rules") is not None:
        issue_type["rules"] = {**issue_type["rules"], "routing": NOBODY}
    return issue_type
