"""What the laws say of a whole network, block after block."""
