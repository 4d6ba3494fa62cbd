"""The kinds of failure that delivery knows; any other exception is a bug and is counted as one."""


class OutageError(Exception):
    """A part that the service needs is away: Kafka, MongoDB, the object store, SMTP, a scanner.

    Raised by adapters only, where they translate their library's errors. The message names the part.
    Delivery waits an outage out; HTTP answers 503 with Retry-After.
    """

    def __init__(self, part: str, detail: str = "") -> None:
        super().__init__(f"{part} is away" + (f": {detail}" if detail else ""))
        self.part = part


class InvalidEvent(Exception):
    """A message that can never be right (not JSON, wrong shape, same id with other facts): parked at once."""
