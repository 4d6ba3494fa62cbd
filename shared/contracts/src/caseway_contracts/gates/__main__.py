import sys
from collections.abc import Iterator

from caseway_contracts import schemas
from caseway_contracts.gates import asyncapi, examples, history, ownership, repository, topics
from caseway_contracts.gates.finding import Finding
from caseway_contracts.topics import topics as all_topics


def standing() -> Iterator[Finding]:
    """What is wrong with the working tree as it stands."""
    known, shown = all_topics(), repository.examples()
    for path, says in schemas.stale(schemas.generated(), schemas.committed()):
        yield Finding(f"schemas/{path}", f"{says}; run python -m caseway_contracts.schemas")
    yield from examples.examples_parse(shown)
    yield from examples.every_event_has_one(shown)
    yield from topics.names_are_plain(known)
    yield from topics.one_producer_each(known)
    yield from topics.every_consumer_can_park(known, repository.services())
    yield from topics.events_are_those_of_the_union(known)
    yield from topics.dead_letters_hold_what_sources_hold(known)
    yield from ownership.every_topic_has_an_owner(known, repository.codeowners())
    yield from asyncapi.documents_agree(known, repository.documents())


def grown(commit: str) -> Iterator[Finding]:
    """What the working tree took away from, or narrowed of, what that commit has."""
    base = repository.files_at(commit, schemas.FOLDER)
    yield from history.schemas_only_grow(base, schemas.committed())
    yield from history.examples_stay(repository.files_at(commit, repository.EXAMPLES), repository.examples())


def main() -> int:
    findings = list(standing())
    try:
        commit = repository.base()
    except LookupError as error:
        sys.stdout.write(f"{error}\n")
        return 2
    if commit is None:
        sys.stdout.write("no commit to compare with: nothing is known of what the contracts were\n")
    else:
        findings += grown(commit)
    sys.stdout.writelines(f"{finding}\n" for finding in findings)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
