"""Topics: names, one producer each, limits of the dead letters, and the events that they declare."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from caseway_contracts.gates.finding import Finding
from caseway_contracts.registry import UNIONS, events_of, family
from caseway_contracts.topics import DLQ, RETRY, Topic

# What must be equal, or a message that the source took would be lost or refused where it is parked.
LIMITS = ("max.message.bytes", "retention.ms", "cleanup.policy")


def names_are_plain(topics: Sequence[Topic]) -> list[Finding]:
    # Dots and underscores collide in the broker's metrics.
    return [
        Finding(topic.name, "has a name that does not match ^[a-z0-9-]+$")
        for topic in topics
        if re.fullmatch("[a-z0-9-]+", topic.name) is None
    ]


def dead_letters_hold_what_sources_hold(topics: Sequence[Topic]) -> list[Finding]:
    return [finding for topic in topics if topic.parks for finding in _limits(topic, topics)]


def every_consumer_can_park(topics: Sequence[Topic], services: Collection[str]) -> list[Finding]:
    """Of the services that stand: topic files name consumers before those are built."""
    names = {topic.name for topic in topics}
    readers = {consumer for topic in topics if not topic.parks for consumer in topic.consumers}
    return [
        Finding(f"{reader}{suffix}", f"is missing, and {reader} reads topics")
        for reader in sorted(readers & set(services))
        for suffix in (DLQ, RETRY)
        if f"{reader}{suffix}" not in names
    ]


def one_producer_each(topics: Sequence[Topic]) -> list[Finding]:
    """A service states its facts on one topic, and what no one else reads stays inside its producer."""
    stating = Counter(topic.producer for topic in topics if topic.events)
    findings = [
        Finding(topic.name, f"is one of {stating[topic.producer]} topics that {topic.producer} states facts on")
        for topic in topics
        if topic.events and stating[topic.producer] > 1
    ]
    for topic in topics:
        if not topic.events and set(topic.consumers) - {topic.producer}:
            findings.append(Finding(topic.name, "declares no events, but others than its producer read it"))
        if topic.parks and topic.name != f"{topic.producer}{DLQ}" and topic.name != f"{topic.producer}{RETRY}":
            findings.append(Finding(topic.name, f"is not named for {topic.producer}, which writes it"))
    return findings


def events_are_those_of_the_union(topics: Sequence[Topic]) -> list[Finding]:
    return [finding for topic in topics for finding in _events(topic)] + [
        Finding(name, "has a union of events, but no topic file")
        for name in sorted(UNIONS.keys() - {topic.name for topic in topics})
    ]


def _events(topic: Topic) -> Iterator[Finding]:
    known = events_of(topic.name)
    stray = set(topic.events) - known.keys()
    # A team's own analyses-<name> may state a part of the family.
    missing = known.keys() - set(topic.events) if family(topic.name) == topic.name else set()
    for name in sorted(stray | missing):
        yield Finding(topic.name, f"{'declares' if name in stray else 'does not declare'} {name}")
    versions = {event.model_fields["version"].default for name, event in known.items() if name in topic.events}
    if versions - set(topic.versions):
        yield Finding(topic.name, f"does not declare versions {sorted(versions - set(topic.versions))}")


def _limits(parking: Topic, topics: Sequence[Topic]) -> Iterator[Finding]:
    for source in topics:
        if source.parks or parking.producer not in source.consumers:
            continue
        for limit in LIMITS:
            if parking.config.get(limit) != source.config.get(limit):
                says = f"has {limit} {parking.config.get(limit)}, but {source.name} has {source.config.get(limit)}"
                yield Finding(parking.name, says)
