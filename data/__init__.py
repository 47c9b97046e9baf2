"""The wine statistics, the models trained from them, and the programs that make the models."""
