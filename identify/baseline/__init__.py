"""Recorded defaults of one framework version, and what changed between two: laws that moved, not bits that differ."""
