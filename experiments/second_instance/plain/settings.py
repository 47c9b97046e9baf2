"""Where this server reads models."""

from typing import Literal

from pydantic import Field

from serving.settings.server import Settings

Reading = Literal["in-group", "outside"]


class PlainSettings(Settings):
    """Scores wines from Kafka with the models that arrive on a second topic. Flags win over variables."""

    models_read: Reading = Field("outside", description="the models topic: in the consumer group, or outside of it")
