import signal


class SandboxError(Exception):
    """A job gave no result; what happened says the subclass."""


class SandboxLimit(SandboxError):
    """The job was stopped by its budget; ``limit`` is the name of the budget's field."""

    def __init__(self, limit: str, says: str) -> None:
        super().__init__(f"{limit}: {says}")
        self.limit = limit
        self.says = says


class SandboxCrash(SandboxError):
    """The child died of the job: ``signal`` is what killed it, None when it left without a proper answer."""

    def __init__(self, signal_number: int | None, says: str = "") -> None:
        name = _name(signal_number)
        super().__init__(says or f"the parser's process ended by {name}")
        self.signal = signal_number
        self.signal_name = name


class ParserError(SandboxError):
    """The function raised; ``type`` and ``message`` are the exception's, without traceback and file names."""

    def __init__(self, type_: str, message: str) -> None:
        super().__init__(f"{type_}: {message}")
        self.type = type_
        self.message = message


class SandboxUnavailable(Exception):
    """No child can be started; nothing is known about the sample, so the job may be tried again later."""


def _name(number: int | None) -> str:
    if number is None:
        return "leaving without an answer"
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
