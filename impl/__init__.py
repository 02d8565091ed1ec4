"""How we do it: initialisers, norms and clipping with the edges right, in NumPy and on torch."""
