"""What state costs in the changelog and in processor time: the whole of it in each row, or the model apart."""
