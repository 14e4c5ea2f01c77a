"""The same work by others, each in a program of its own with its own environment (`bench.peers.environment`)."""
