"""``python -m client.broker``: the embedded broker, or three of them, alone, until Ctrl-C."""

from client.broker.settings import BrokerSettings
from client.terminal.command import command


@command()
def main() -> None:
    """Run the broker alone, until a signal comes or it dies."""
    with BrokerSettings.read("python -m client.broker").embedded() as broker:
        print(f"Kafka listens on {broker.bootstrap_servers}; Ctrl-C stops it")
        broker.wait()


if __name__ == "__main__":
    main()
