"""Why intake does not do what it was asked, without a word about HTTP."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What is wrong with one field, in words that say what to do; ``field`` is a JSON pointer."""

    field: str
    code: str
    message: str
    help: str = ""


class Refused(Exception):
    """A rule is broken; every fault that was found is named."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(", ".join(fault.code for fault in faults))
        self.faults = faults


class NotFound(Exception):
    """It does not exist, or belongs to somebody else: the caller can't tell which."""


class WrongState(Exception):
    """What was asked does not fit the state of things."""

    def __init__(self, says: str, *faults: Fault) -> None:
        super().__init__(says)
        self.says = says
        self.faults = faults


class WrongOffset(WrongState):
    """An upload goes on elsewhere than the sender thought."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"The upload goes on at {offset}.")
        self.offset = offset


class TooLarge(Exception):
    """More bytes than are taken."""

    def __init__(self, says: str) -> None:
        super().__init__(says)
        self.says = says


class TooMany(Exception):
    """The account has its share for now; after ``seconds`` there may be room."""

    def __init__(self, fault: Fault, seconds: int) -> None:
        super().__init__(fault.code)
        self.faults = (fault,)
        self.seconds = seconds


class TokenRefused(Exception):
    """Profiles does not let the caller in."""
