"""A Quix Streams dataframe, one record after the other; it lives in an environment of its own: ``.venv-peers``."""
