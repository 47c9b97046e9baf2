"""A stock faust agent, one record after the other."""
