"""Activations as data: their functions, their moments under N(0, q), and pairs of them."""
