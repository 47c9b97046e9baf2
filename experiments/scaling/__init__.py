"""What a record costs, in processor time, with more instances and more partitions."""
