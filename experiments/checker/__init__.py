"""What became of every record, by its id and from the topics alone: each fault is named, each duplicate explained."""
