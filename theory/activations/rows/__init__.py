"""The rows of the table of activations, a family a file."""
