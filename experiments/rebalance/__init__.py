"""The steps of a rebalance, as its two members and the broker tell them, and the hole that they leave in the scores."""
