"""Claims on classification losses, and on what they make of labels."""
