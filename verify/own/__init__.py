"""Somebody's own norm, clip, dropout or loss put to the test: the claims and cases that frameworks are held to."""
