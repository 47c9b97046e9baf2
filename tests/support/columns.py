"""Answers and columns of a server, for tests of the demo of all of them."""

from client.demo.all.columns import LiveAnswer

GUARANTEES = {
    "delivery": ["at-least-once"],
    "model_survives": {"killed": True, "disk_wiped": True, "model_topic_emptied": False},
    "counters_survive": {"killed": False, "disk_wiped": False, "model_topic_emptied": False},
    "queryable": ["/state"],
}


def answer(
    total: int, *, model: str | None = "linear", usage: int = 0, skipped: int = 0, dead_letters: int = 0
) -> LiveAnswer:
    """What a server says at ``/live``: it has scored ``total``; its counters are those."""
    state = {
        "data_type": "wine",
        "name": model,
        "description": "",
        "model_type": model and "ONNX",
        "since": model and 1,
    }
    counted = {"usage": usage, "duration": 1.0, "min": None, "max": None, "mean": None}
    counted |= {"skipped": skipped, "dead_letters": dead_letters}
    view = {"total": total, "records_per_s": 10.0, "p50_ms": 4.2, "p99_ms": 42.0}
    return LiveAnswer.model_validate({"guarantees": GUARANTEES, "view": view, "states": [state | counted]})
