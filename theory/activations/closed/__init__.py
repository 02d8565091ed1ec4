"""Moments under N(0, q) in closed form, a family a file, each written in the form that cancels nowhere."""
