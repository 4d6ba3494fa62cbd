from collections.abc import Callable
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from caseway_contracts.gates.compatibility import changes
from caseway_contracts.gates.history import examples_stay, schemas_only_grow
from caseway_contracts.schemas import committed, generated, text

Make = Callable[..., dict[str, Any]]
STRING = {"type": "string"}


def test_what_is_committed_is_compatible_with_itself() -> None:
    assert schemas_only_grow(committed(), generated()) == []


def test_an_optional_property_may_be_added(make_model: Make) -> None:
    assert changes(make_model(a=STRING), make_model(a=STRING, b=STRING)) == []


def test_a_description_may_be_reworded(make_model: Make) -> None:
    assert changes(make_model(), make_model() | {"description": "Said otherwise."}) == []


@pytest.mark.parametrize(
    ("old", "new", "breaks"),
    [
        pytest.param(STRING, {"type": "integer"}, {"history", "readers"}, id="another type"),
        pytest.param({"type": "number"}, {"type": "integer"}, {"history"}, id="a narrower number"),
        pytest.param({"type": "integer"}, {"type": "number"}, {"readers"}, id="a wider number"),
        pytest.param({}, STRING, {"history"}, id="a type where any was taken"),
        pytest.param({"enum": ["a", "b"], **STRING}, {"enum": ["a"], **STRING}, {"history"}, id="a value less"),
        pytest.param({"enum": ["a"], **STRING}, {"enum": ["a", "b"], **STRING}, {"readers"}, id="a value more"),
        pytest.param(
            {"const": 1, "type": "integer"}, {"const": 2, "type": "integer"}, {"history", "readers"}, id="const"
        ),
        pytest.param(STRING, {"enum": ["a"], **STRING}, {"history"}, id="an enum where any string was taken"),
        pytest.param({"maxLength": 9, **STRING}, {"maxLength": 8, **STRING}, {"history"}, id="a shorter text"),
        pytest.param({"maxLength": 9, **STRING}, STRING, {"readers"}, id="a longer text"),
        pytest.param({"type": "integer"}, {"minimum": 0, "type": "integer"}, {"history"}, id="a new lower bound"),
        pytest.param(
            {"minimum": 2, "type": "integer"}, {"minimum": 0, "type": "integer"}, {"readers"}, id="lower bound"
        ),
        pytest.param(STRING, {"pattern": "^a", **STRING}, {"history"}, id="a new pattern"),
        pytest.param({"format": "uuid", **STRING}, STRING, {"readers"}, id="a format less"),
        pytest.param({"default": 71, "type": "integer"}, {"default": 0, "type": "integer"}, {"history"}, id="default"),
        pytest.param({"anyOf": [STRING, {"type": "null"}]}, STRING, {"history"}, id="a null less"),
        pytest.param(STRING, {"anyOf": [STRING, {"type": "null"}]}, {"readers"}, id="a null more"),
        pytest.param(
            {"type": "array", "items": STRING},
            {"type": "array", "items": {"type": "integer"}},
            {"history", "readers"},
            id="other items",
        ),
        pytest.param(
            {"type": "object", "propertyNames": {"enum": ["a", "b"]}},
            {"type": "object", "propertyNames": {"enum": ["a"]}},
            {"history"},
            id="a key less",
        ),
        pytest.param({"type": "object"}, {"type": "object", "additionalProperties": False}, {"history"}, id="closed"),
    ],
)
def test_what_a_property_takes_may_not_change(
    make_model: Make, old: dict[str, Any], new: dict[str, Any], breaks: set[str]
) -> None:
    assert {change.breaks for change in changes(make_model(a=old), make_model(a=new))} == breaks


def test_a_removed_property_breaks_history(make_model: Make) -> None:
    [change] = changes(make_model(a=STRING, b=STRING), make_model(a=STRING))

    assert (change.breaks, change.where) == ("history", "/b")


def test_a_renamed_property_breaks_history(make_model: Make) -> None:
    assert {change.where for change in changes(make_model("a", a=STRING), make_model("b", b=STRING))} == {"/a", "/b"}


def test_a_property_that_is_newly_required_breaks_history(make_model: Make) -> None:
    [change] = changes(make_model(a=STRING), make_model("a", a=STRING))

    assert (change.breaks, change.where) == ("history", "/a")


def test_a_required_property_that_becomes_optional_breaks_readers(make_model: Make) -> None:
    [change] = changes(make_model("a", a=STRING), make_model(a=STRING))

    assert change.breaks == "readers"


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"


class Other(BaseModel):
    kind: str


class Pair(BaseModel):
    pet: Cat | Dog


class Single(BaseModel):
    pet: Cat


class OpenSingle(BaseModel):
    pet: Cat | Other


class OpenPair(BaseModel):
    pet: Cat | Dog | Other


def test_a_member_less_in_a_union_breaks_history() -> None:
    assert ("history", "no longer takes Dog") in {
        (change.breaks, change.says)
        for change in changes(Pair.model_json_schema(), Single.model_json_schema() | {"title": "Pair"})
    }


def test_a_member_more_breaks_the_readers_of_a_closed_union() -> None:
    assert {change.breaks for change in changes(Single.model_json_schema(), Pair.model_json_schema())} == {"readers"}


def test_a_member_more_is_additive_in_an_open_union() -> None:
    assert changes(OpenSingle.model_json_schema(), OpenPair.model_json_schema()) == []


def test_a_change_inside_a_member_is_found(make_model: Make) -> None:
    old, new = OpenPair.model_json_schema(), OpenPair.model_json_schema()
    del new["$defs"]["Cat"]["properties"]["lives"]

    assert "/pet<Cat>/lives" in {change.where for change in changes(old, new)}


def test_a_model_that_holds_itself_is_compared_to_the_end(make_model: Make) -> None:
    node = make_model(child={"$ref": "#/$defs/Node"}, name=STRING)
    old = make_model(defs={"Node": node}, root={"$ref": "#/$defs/Node"})
    new = make_model(defs={"Node": make_model(child={"$ref": "#/$defs/Node"})}, root={"$ref": "#/$defs/Node"})

    assert [change.where for change in changes(old, new)] == ["/root/name"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    words: str = Field(max_length=10)


class WiderStrict(BaseModel):
    model_config = ConfigDict(extra="forbid", title="Strict")

    words: str = Field(max_length=20)
    more: int = 0


def test_the_http_interface_may_widen_and_events_may_not() -> None:
    old, new = text(Strict.model_json_schema()), text(WiderStrict.model_json_schema())

    assert schemas_only_grow({"http/Strict.json": old}, {"http/Strict.json": new}) == []
    assert [finding.where for finding in schemas_only_grow({"Strict.v1.json": old}, {"Strict.v1.json": new})] == [
        "Strict.v1.json/words",
        "Strict.v1.json/more",
    ]


def test_the_http_interface_may_not_narrow() -> None:
    old, new = text(WiderStrict.model_json_schema()), text(Strict.model_json_schema())

    assert schemas_only_grow({"http/Strict.json": old}, {"http/Strict.json": new})


def test_a_version_that_was_removed_is_named() -> None:
    [finding] = schemas_only_grow({"CaseSubmitted.v1.json": "{}"}, {})

    assert finding.where == "CaseSubmitted.v1.json"


def test_an_example_that_was_removed_is_named() -> None:
    [finding] = examples_stay(["cases/CaseSubmitted/v1/file.json", "a"], ["a"])

    assert finding.where == "cases/CaseSubmitted/v1/file.json"
