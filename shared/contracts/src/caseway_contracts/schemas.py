"""JSON Schemas of everything in the registry, generated and committed: ``python -m caseway_contracts.schemas``
writes them, with ``--check`` it only compares."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import TaggedUnionSchema

from caseway_contracts.registry import BODIES, OBJECTS, all_events

# Beside the package in the repository; only the tools of contracts need it, services never do.
ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "schemas"


class Published(GenerateJsonSchema):
    """As pydantic does it, but a piece of a known kind also fits an open union's last member: any of, not one of."""

    def tagged_union_schema(self, schema: TaggedUnionSchema) -> JsonSchemaValue:
        union = super().tagged_union_schema(schema)
        return {"anyOf": union["oneOf"]} if "discriminator" not in union else union


def generated() -> dict[str, str]:
    """Path below ``schemas/`` → text of the file."""
    models: dict[str, type[BaseModel]] = {
        f"{name}.v{event.model_fields['version'].default}.json": event for name, event in all_events().items()
    }
    models |= {f"{model.__name__}.v1.json": model for model in OBJECTS}
    models |= {f"http/{model.__name__}.json": model for model in BODIES}
    return {path: text(model.model_json_schema(schema_generator=Published)) for path, model in models.items()}


def text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def committed(folder: Path = FOLDER) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*.json"))}


def stale(expected: Mapping[str, str], found: Mapping[str, str]) -> list[tuple[str, str]]:
    """What must be written, and what nothing generates, with a sentence each."""
    differing = [
        (path, "is missing" if path not in found else "differs from its class")
        for path in sorted(expected)
        if found.get(path) != expected[path]
    ]
    return differing + [(path, "has no class") for path in sorted(found.keys() - expected.keys())]


def write(folder: Path = FOLDER) -> None:
    """Files without a class stay: removing a version is a decision that the gates refuse, not a side effect."""
    for path, content in generated().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m caseway_contracts.schemas", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is not as generated")
    if not parser.parse_args(arguments).check:
        write()
    findings = stale(generated(), committed())
    sys.stdout.writelines(f"{path} {says}\n" for path, says in findings)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
