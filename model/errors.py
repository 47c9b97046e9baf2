"""What can be wrong with a model, and the root of every error that this project raises on purpose."""


class ServingError(Exception):
    """Something this project foresees; its text is one line that says what happened and what to do."""


class ModelRejected(ServingError):
    """This model cannot be served; it goes to the dead-letter topic and the current model goes on serving."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"model {name!r} refused: {reason}")
        self.name, self.reason = name, reason
