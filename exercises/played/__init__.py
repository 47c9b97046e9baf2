"""What graders play a server's surroundings with: records, actors, agents, stores, and time."""
