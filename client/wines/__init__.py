"""Wines to publish: generated from published statistics, or read from a file."""
