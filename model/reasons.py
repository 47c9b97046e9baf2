"""Why a model is refused, in one line that begins with what is wrong and ends with the remedy."""

from model.errors import ModelRejected, ModelUnfit

MAX_REASON_CHARACTERS = 300
MAX_REMEDY_CHARACTERS = 200
LEFT_OUT = " ... "

MAX_DETAIL_CHARACTERS = 10_000


def reason_of(error: BaseException, remedy: str) -> tuple[str, str]:
    """The reason, at most ``MAX_REASON_CHARACTERS`` of one line, and the whole text behind it.

    What is too long loses its middle, never its remedy. The remedy is the error's own: a ``ModelUnfit`` has one, and a
    text such as "has no target; name one" has it behind its last semicolon.

    Args:
        remedy: for an error that has none.
    """
    text = str(error).strip() or type(error).__name__
    problem, detail = text, text
    if isinstance(error, ModelUnfit):
        problem = error.problem
        remedy = error.remedy
        detail = error.detail or text
    elif "; " in text:
        problem, _, remedy = text.rpartition("; ")
    remedy = shorten(remedy, MAX_REMEDY_CHARACTERS)
    reason = f"{shorten(problem, MAX_REASON_CHARACTERS - len(remedy) - len('; '))}; {remedy}"
    return reason, detail[:MAX_DETAIL_CHARACTERS]


def rejected(name: str, error: BaseException, remedy: str) -> ModelRejected:
    """The refusal of a model for this error; ``remedy`` is for an error that has none."""
    return ModelRejected(name, *reason_of(error, remedy))


def shorten(text: str, most: int) -> str:
    """The text in one printable line; one that is too long keeps its beginning and its end, cut between words."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    if len(line) <= most:
        return line
    kept = most - len(LEFT_OUT)
    head, tail = line[: kept * 2 // 3], line[-(kept - kept * 2 // 3) :]
    # A word is left whole; what has no spaces at all is cut where it must be.
    return (head.rsplit(" ", 1)[0] if " " in head else head) + LEFT_OUT + (tail.partition(" ")[2] or tail)
