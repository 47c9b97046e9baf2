"""What a server could have besides; none of ours imports it. Each module is an exercise, and complete as it is."""
