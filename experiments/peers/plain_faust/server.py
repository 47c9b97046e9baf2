"""``python -m experiments.peers.plain_faust.server``: the agent that faust's own tutorial begins with, and a score."""

from typing import Any

import faust

from experiments.peers.scorer import Scorer
from serving.settings.server import Settings


def main() -> None:
    """Score until a signal comes, which faust's worker handles."""
    settings = Settings.read("python -m experiments.peers.plain_faust.server")
    scorer = Scorer(settings)
    app: Any = faust.App(
        settings.group or "plain_faust",
        broker=f"kafka://{settings.bootstrap_servers}",
        key_serializer="raw",
        value_serializer="raw",
        broker_session_timeout=settings.session_timeout_ms / 1000,
        broker_heartbeat_interval=settings.session_timeout_ms / 5000,
        canonical_url=settings.url(settings.port or 0),  # two on one host must differ
        web_enabled=False,
        datadir=settings.data_dir,
    )
    wines = app.topic(settings.topics.data)
    scores = app.topic(settings.topics.scores)

    async def score(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            scored = scorer.score(event.key, event.value, message.partition, message.offset)
            if scored is not None:
                await scores.send(key=event.key, value=scored)

    app.agent(wines)(score)
    with scorer:
        faust.Worker(app, loglevel="WARN", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
