import json
from typing import Any

from portal.openapi import MergedOpenApi, merged


def a_document(path: str, **schemas: Any) -> dict[str, Any]:
    ref = {"schema": {"$ref": "#/components/schemas/Page"}}
    return {"paths": {path: {"get": {"content": ref}}, "/internal/x": {}}, "components": {"schemas": schemas}}


def test_schemas_of_one_name_and_two_shapes_stay_apart() -> None:
    documents = {
        "portal": a_document("/api/v1/a", Page={"type": "object"}, Same={"type": "string"}),
        "intake": a_document("/api/v1/b", Page={"type": "array"}, Same={"type": "string"}),
    }
    document = merged(documents, [], title="T", version="1")
    assert document["components"]["schemas"].keys() == {"Page", "intake_Page", "Same"}
    assert document["paths"].keys() == {"/api/v1/a", "/api/v1/b"}
    ref = document["paths"]["/api/v1/b"]["get"]["content"]["schema"]["$ref"]
    assert ref == "#/components/schemas/intake_Page"


def test_methods_of_one_path_may_come_from_two_services() -> None:
    portal: dict[str, Any] = {"paths": {"/api/v1/cases": {"get": {}}}}
    intake: dict[str, Any] = {"paths": {"/api/v1/cases": {"post": {}}}}
    document = merged({"portal": portal, "intake": intake}, [], title="T", version="1")
    assert document["paths"]["/api/v1/cases"].keys() == {"get", "post"}
    assert document["paths"]["/api/v1/cases"]["post"]["tags"] == ["intake"]


async def test_a_service_that_is_away_is_named_and_asked_again_soon() -> None:
    now, answers = [0.0], dict[str, Any]()
    asked: list[str] = []

    async def fetch(url: str) -> dict[str, Any]:
        asked.append(url)
        return answers[url]  # type: ignore[no-any-return]  # a KeyError stands for any failure

    openapi = MergedOpenApi({"intake": "http://intake/"}, fetch, dict, title="T", version="1", monotonic=lambda: now[0])
    assert "intake" in json.loads(await openapi.body())["info"]["description"]
    answers["http://intake/openapi.json"] = a_document("/api/v1/b")
    await openapi.body()
    assert len(asked) == 1
    now[0] = 6
    assert "/api/v1/b" in json.loads(await openapi.body())["paths"]
    now[0] = 60
    await openapi.body()
    assert len(asked) == 2
