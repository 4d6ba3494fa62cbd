import re
import tomllib
from pathlib import Path

import pytest

from caseway_contracts.gates.ownership import owners
from caseway_contracts.topics import topics

# Named as a reader of every topic before it is built, so that its dead letters and its lag have a place.
TO_COME = {"audit"}


@pytest.mark.parametrize("name", ["README.md", "pyproject.toml", "Dockerfile"])
def test_a_service_is_complete(service: Path, name: str) -> None:
    assert (service / name).is_file()


def test_a_readme_says_what_a_service_takes_gives_owns_and_how_it_fails(service: Path) -> None:
    readme = (service / "README.md").read_text(encoding="utf-8")

    headings = {heading.strip().lower() for heading in re.findall(r"^#+ (.*)$", readme, re.MULTILINE)}

    assert {"takes", "gives", "owns", "fails how"} <= headings


def test_a_service_is_a_distribution_named_for_its_folder(service: Path) -> None:
    project = tomllib.loads((service / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["name"] == f"caseway-{service.name}"
    assert (service / "src" / service.name.replace("-", "_") / "__init__.py").is_file()


def test_a_service_is_a_member_of_the_workspace(service: Path, root: Path) -> None:
    workspace = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]["workspace"]

    assert f"services/{service.name}" in workspace["members"]


def test_a_service_has_an_owner(service: Path, root: Path) -> None:
    lines = (root / "CODEOWNERS").read_text(encoding="utf-8")

    assert owners(f"services/{service.name}/README.md", lines, below="services")


def test_no_topic_is_an_orphan(services: set[str]) -> None:
    for topic in topics():
        assert topic.producer in services, topic.name
        assert set(topic.consumers) <= services | TO_COME, topic.name
        assert topic.consumers or topic.name == f"{topic.producer}-dlq", topic.name
