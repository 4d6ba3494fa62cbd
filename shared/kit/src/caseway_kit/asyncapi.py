"""The AsyncAPI document of a service, made from its handlers: ``python -m caseway_kit.asyncapi routing``."""

import argparse
import json
from importlib import import_module

from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI

from caseway_kit.messaging import Inlet


def document(inlet: Inlet, *, version: str = "1") -> str:
    """AsyncAPI 3 as JSON, stable from run to run; ``version`` is that of the document's contracts."""
    inlet.close()
    broker = KafkaBroker("kafka:9092", client_id=inlet.service)
    broker.include_router(inlet.router)
    specification = AsyncAPI(broker, title=f"Caseway {inlet.service}", version=version)
    content = json.loads(specification.to_specification().to_json())
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the AsyncAPI document of a service.")
    parser.add_argument("service", help="name of the service, such as sample-analysis")
    service = parser.parse_args().service
    inlet = import_module(f"{service.replace('-', '_')}.handlers").inlet
    print(document(inlet), end="")  # noqa: T201 - the document is what the command is for


if __name__ == "__main__":
    main()
