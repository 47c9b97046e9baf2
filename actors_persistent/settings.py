"""What only this variant can be told."""

from pydantic import Field

from serving.settings.server import Settings


class ActorSettings(Settings):
    """Scores wines from Kafka with the models that arrive on a second topic. Flags win over variables."""

    fsync: bool = Field(False, description="state survives a power failure too, not only a kill -9; slower")
