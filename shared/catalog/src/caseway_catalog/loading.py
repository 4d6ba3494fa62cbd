"""Reads the catalogue's files and refuses any that is wrong, naming file and field."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from caseway_catalog.catalog import Catalog
from caseway_catalog.categories import Category, IssueType
from caseway_catalog.form_fields import check_fields
from caseway_catalog.products import ContactMethod, Language, Limits, OperatingSystem, Product, ProductSetting, Samples
from caseway_catalog.ratings import Rating, UrlCategoryGroup
from caseway_catalog.references import broken_references
from caseway_catalog.teams import EscalationType, RoutingRule, Severity, Team

BUNDLED = Path(__file__).parent / "data"
LISTS: dict[str, type[BaseModel]] = {
    "issue_types": IssueType,
    "products": Product,
    "settings": ProductSetting,
    "operating_systems": OperatingSystem,
    "languages": Language,
    "severities": Severity,
    "ratings": Rating,
    "teams": Team,
    "routing": RoutingRule,
    "escalation_types": EscalationType,
    "contact_methods": ContactMethod,
}
SINGLES: dict[str, type[BaseModel]] = {"limits": Limits, "samples": Samples}


class CatalogError(Exception):
    """The catalogue's files are wrong; each problem names its file and field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("The catalogue can't be used:\n" + "\n".join(f"- {problem}" for problem in problems))
        self.problems = problems


class UniqueKeys(yaml.SafeLoader):
    """Plain YAML lets a repeated key win silently; here it is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return mapping


@cache
def load(directory: Path = BUNDLED) -> Catalog:
    """The validated catalogue; raises CatalogError."""
    problems: list[str] = []
    parts: dict[str, Any] = {}
    for name, model in LISTS.items():
        parts[name] = read_list(directory / f"{name.replace('_', '-')}.yaml", model, problems)
    for name, model in SINGLES.items():
        parts[name] = validated(read(directory / f"{name}.yaml", problems), model, f"{name}.yaml", problems)
    parts["url_category_groups"] = read_list(directory / "url-categories.yaml", UrlCategoryGroup, problems)
    parts["categories"] = read_categories(directory, problems)
    if problems:
        raise CatalogError(problems)
    catalog = Catalog.model_validate(parts)
    problems += broken_references(catalog)
    if problems:
        raise CatalogError(problems)
    return catalog


def read_categories(directory: Path, problems: list[str]) -> tuple[Category, ...]:
    categories: list[Category] = []
    for path in sorted((directory / "categories").glob("*.yaml")):
        where = f"categories/{path.name}"
        category = validated(read(path, problems), Category, where, problems)
        if not isinstance(category, Category):
            continue
        if category.slug != path.stem:
            problems.append(f"{where}: slug: must be the file's name, {path.stem!r}")
        problems += [
            f"{where}: example{error.field.removeprefix('/fields')}: {error.message}"
            for error in check_fields(category.form, category.example)
        ]
        categories.append(category)
    return tuple(sorted(categories, key=lambda category: (category.issue_type, category.order, category.slug)))


def read_list(path: Path, model: type[BaseModel], problems: list[str]) -> tuple[BaseModel, ...]:
    entries = read(path, problems)
    if not isinstance(entries, list):
        if entries is not None:
            problems.append(f"{path.name}: must be a list")
        return ()
    found = []
    for index, entry in enumerate(entries):
        slug = entry.get("slug", index) if isinstance(entry, dict) else index
        if read_entry := validated(entry, model, f"{path.name}: {slug}", problems):
            found.append(read_entry)
    return tuple(found)


def read(path: Path, problems: list[str]) -> Any:  # YAML is anything until it is validated
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), UniqueKeys)  # noqa: S506  # derives from SafeLoader
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        problems.append(f"{path.name}: can't be read: {error}")
        return None
    if content is None:
        problems.append(f"{path.name}: is empty")
    return content


def validated(data: object, model: type[BaseModel], where: str, problems: list[str]) -> BaseModel | None:
    if data is None:
        return None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            field = ".".join(str(part) for part in fault["loc"]) or "entry"
            problems.append(f"{where}: {field}: {fault['msg']}")
        return None
