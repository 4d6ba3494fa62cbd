import pytest
from example_service.pieces import Piece, PieceRepository

from caseway_kit.messaging import Encoded

PIECE = Piece("piece-1", cause="event-1", digest="d1", salt="5" * 32)


@pytest.fixture
def stated() -> list[Encoded]:
    return [Encoded(f"e{number}", "analyses", "SR01", "{}", {"ce_id": f"e{number}"}) for number in (1, 2)]


async def test_the_first_to_add_a_piece_stands(pieces: PieceRepository) -> None:
    assert await pieces.add(PIECE) == PIECE
    assert await pieces.add(Piece("piece-1", cause="event-2", digest=None, salt="6" * 32)) == PIECE


async def test_the_first_statement_stands(pieces: PieceRepository, stated: list[Encoded]) -> None:
    await pieces.add(PIECE)
    assert await pieces.conclude("piece-1", stated[0]) == stated[0]
    assert await pieces.conclude("piece-1", stated[1]) == stated[0]
    assert (await pieces.add(PIECE)).analyzed == stated[0]


async def test_a_delay_is_kept_beside_the_result(pieces: PieceRepository, stated: list[Encoded]) -> None:
    await pieces.add(PIECE)
    assert await pieces.delay("piece-1", stated[0]) == stated[0]
    assert await pieces.delay("piece-1", stated[1]) == stated[0]
    assert (await pieces.add(PIECE)).analyzed is None
