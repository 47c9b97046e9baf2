"""``python -m client.demo``: see ``--help`` for the settings."""

from client.demo.one.one_server import main

if __name__ == "__main__":
    main()
