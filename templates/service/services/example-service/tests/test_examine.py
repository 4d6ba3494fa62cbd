from example_service.examine import examine


class Sample:
    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._data = data

    def read(self, size: int = -1, offset: int = 0) -> bytes:
        return self._data[offset:] if size < 0 else self._data[offset : offset + size]


def test_nothing_is_said_about_bytes_that_nobody_knows() -> None:
    assert examine(Sample(b"bytes")) == {"verdict": "unknown"}


def test_an_empty_piece_is_not_analysed() -> None:
    assert examine(Sample(b""))["verdict"] == "not_analyzed"
