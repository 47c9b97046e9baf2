"""``python -m client.broker``: the embedded broker, or three of them, alone, until Ctrl-C."""

from client.broker.settings import BrokerSettings
from client.terminal.stop_signals import interruptible
from model.errors import ServingError
from serving.settings.command_line import stop_with


def main() -> None:
    """Run the broker alone, until a signal comes or it dies."""
    try:
        with interruptible(), BrokerSettings.read("python -m client.broker").embedded() as broker:
            print(f"Kafka listens on {broker.bootstrap_servers}; Ctrl-C stops it")
            broker.wait()
    except ServingError as error:
        stop_with(error)


if __name__ == "__main__":
    main()
