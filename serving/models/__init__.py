"""How models arrive: read from the models topic, fetched, tried out, loaded off the scoring path."""
