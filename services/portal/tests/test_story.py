from aiokafka import TopicPartition

from caseway_contracts.kinds import Verdict
from caseway_contracts.results import FileResult
from caseway_contracts.topics import Topic
from portal.pages.log_state import lag_of
from portal.story import Node, tree_of


def file(file_id: str, parent_id: str | None = None, verdict: Verdict = "unknown") -> FileResult:
    return FileResult(id=file_id, parent_id=parent_id, name=file_id, verdict=verdict)


def shape(nodes: list[Node]) -> list[object]:
    return [[node.file.id, *shape(node.children)] for node in nodes]


def test_children_stand_below_their_parents_in_any_order() -> None:
    files = [file("c", "b"), file("a"), file("b", "a"), file("d", "a")]
    assert shape(tree_of(files)) == [["a", ["b", ["c"]], ["d"]]]


def test_the_worst_of_each_level_stands_first_and_the_rest_as_it_came() -> None:
    files = [
        file("a"),
        file("b", "a"),
        file("c", "a"),
        file("d"),
        file("e", "a", "malicious"),
        file("f", verdict="clean"),
    ]
    assert shape(tree_of(files)) == [["a", ["e"], ["b"], ["c"]], ["d"], ["f"]]


def test_what_has_no_parent_here_or_is_its_own_stands_at_the_top() -> None:
    files = [file("a", "gone"), file("b", "b"), file("c", "d"), file("d", "c"), file("e", "c")]
    assert {one.file.id for one in tree_of(files)} >= {"a", "b"}
    seen = str(shape(tree_of(files)))
    assert all(f"'{name}'" in seen for name in "abcde")


def test_lag_is_that_of_the_group_that_is_furthest_behind() -> None:
    topic = Topic.model_validate(
        {
            "name": "cases",
            "description": "",
            "events": (),
            "versions": (),
            "producer": "intake",
            "consumers": ("routing", "portal"),
            "key": "sr_number",
            "partitions": 2,
            "config": {},
        }
    )
    first, second = TopicPartition("cases", 0), TopicPartition("cases", 1)
    done = {"routing-cases": {first: 10}, "routing-again": {first: 4}, "portal": {TopicPartition("routes", 0): 1}}
    behind = lag_of([topic], done, begins={first: 2, second: 0}, ends={first: 10, second: 3})
    assert behind == {"routing": 6 + 3, "portal": 8 + 3}
