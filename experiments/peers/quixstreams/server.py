"""``python -m experiments.peers.quixstreams.server``: a dataframe from a topic to a topic, as in its quick start."""

from quixstreams import Application, message_context

from experiments.peers.scorer import Scorer
from serving.settings.server import Settings


def main() -> None:
    """Score until a signal comes, which the application handles."""
    settings = Settings.read("python -m experiments.peers.quixstreams.server")
    scorer = Scorer(settings)
    app = Application(
        settings.bootstrap_servers,
        consumer_group=settings.group,
        auto_offset_reset="earliest",
        consumer_extra_config={
            "session.timeout.ms": settings.session_timeout_ms,
            "heartbeat.interval.ms": settings.session_timeout_ms // 5,
        },
        state_dir=settings.data_dir,
        loglevel="WARNING",
    )
    wines = app.topic(settings.topics.data, key_deserializer="bytes", value_deserializer="bytes")
    scores = app.topic(settings.topics.scores, key_serializer="bytes", value_serializer="bytes")

    def score(value: bytes, key: bytes, timestamp_ms: int, headers: object) -> bytes | None:  # noqa: ARG001 - as called
        context = message_context()
        return scorer.score(key, value, context.partition, context.offset)

    frame = app.dataframe(wines).apply(score, metadata=True)
    frame.filter(lambda scored: scored is not None).to_topic(scores)
    with scorer:
        app.run()


if __name__ == "__main__":
    main()
