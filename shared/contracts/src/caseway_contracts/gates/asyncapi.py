"""The AsyncAPI document of a service says that it writes and reads what the topic files say, and nothing else."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from caseway_contracts.gates.finding import Finding
from caseway_contracts.topics import Topic

# service → its document, or None where a service runs and has none
Documents = Mapping[str, Mapping[str, Any] | None]


def documents_agree(topics: Sequence[Topic], documents: Documents) -> list[Finding]:
    findings = []
    for service, document in sorted(documents.items()):
        if document is None:
            findings.append(Finding(service, "has handlers or a main, but no asyncapi.json"))
        else:
            findings += _service(service, document, topics)
    return findings


def _service(service: str, document: Mapping[str, Any], topics: Sequence[Topic]) -> Iterator[Finding]:
    sent, received = addresses(document, "send"), addresses(document, "receive")
    for topic in topics:
        if topic.parks:
            continue  # written and read by the kit, on behalf of every subscriber
        writes, reads = topic.name in sent, any(matches(address, topic.name) for address in received)
        if writes != (topic.producer == service):
            yield Finding(
                service, f"{'writes' if writes else 'does not write'} {topic.name}, unlike its topic file says"
            )
        if reads != (service in topic.consumers):
            yield Finding(service, f"{'reads' if reads else 'does not read'} {topic.name}, unlike its topic file says")
    names = [topic.name for topic in topics]
    for address in sorted(sent | received):
        if not any(matches(address, name) for name in names):
            yield Finding(service, f"names the topic {address}, which has no file")


def addresses(document: Mapping[str, Any], action: str) -> set[str]:
    """Topics that the document's operations send to or receive from. Channel ids hold handler names, so the channel's
    own address counts."""
    found = set()
    for operation in document.get("operations", {}).values():
        if operation["action"] == action:
            pointer = unquote(operation["channel"]["$ref"].removeprefix("#/channels/"))
            channel = document["channels"][pointer.replace("~1", "/").replace("~0", "~")]
            found.add(str(channel["address"]))
    return found


def matches(address: str, topic: str) -> bool:
    """A subscriber's address is a topic's name or, with a pattern, a regular expression."""
    return address == topic or re.fullmatch(address, topic) is not None
