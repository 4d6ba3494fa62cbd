import pytest

from caseway_kit.seats import Full, Seats


def test_one_person_takes_no_more_than_a_share_and_all_together_no_more_than_there_are() -> None:
    seats = Seats(each=2, most=3)
    first, _ = seats.take("ann"), seats.take("ann")
    with pytest.raises(Full) as refused:
        seats.take("ann")
    assert refused.value.own
    with seats.take("bob"):
        with pytest.raises(Full) as refused:
            seats.take("bob")
        assert not refused.value.own
    first.leave()
    with seats.take("ann"), seats.take("bob"), pytest.raises(Full):
        seats.take("cleo")
