"""Seeing a torch model: how it is built, and what one forward and backward pass does."""
