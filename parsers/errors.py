"""What can go wrong while reading, as one small tree of exceptions."""


class TrainvitalsError(Exception):
    """Base of every error that the user can act on; its text is shown without a traceback."""


class ReadError(TrainvitalsError):
    """A source that cannot be read as a log at all.

    Lines that cannot be read are no errors: they are counted in the `Source`, and the rest of the file goes on.
    """

    def __init__(self, path: str, reason: str, line: int | None = None) -> None:
        self.path, self.reason, self.line = path, reason, line
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")

    def __reduce__(self) -> tuple[type["ReadError"], tuple[str, str, int | None]]:
        return ReadError, (self.path, self.reason, self.line)
