from itertools import permutations

from caseway_contracts.base import Event, UnknownEvent
from caseway_kit.ordering import in_order


def make_event(revision: int) -> UnknownEvent:
    return UnknownEvent.model_validate(
        {
            "event_id": f"00000000-0000-0000-0000-{revision:012}",
            "type": "CaseUpdated",
            "version": 1,
            "occurred_at": "2026-01-05T09:00:00Z",
            "key": "SR01-000000042-4",
            "account_id": "a1",
            "subject_id": "SR01-000000042-4",
            "revision": revision,
        }
    )


def test_any_order_of_arrival_is_applied_in_the_order_of_revisions() -> None:
    for arrival in permutations([1, 2, 3, 4]):
        applied: list[int] = []
        early: list[Event] = []
        for revision in arrival:
            ready, early = in_order(len(applied), early, make_event(revision))
            applied += [event.revision for event in ready]
        assert applied == [1, 2, 3, 4]
        assert early == []


def test_what_was_applied_before_is_left_out() -> None:
    assert in_order(3, [make_event(5)], make_event(2)) == ([], [make_event(5)])
