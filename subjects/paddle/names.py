"""The public names of Paddle that draw, normalise, clip, drop or scale, and the reasons for those without a row."""

from collections.abc import Mapping


def PUBLIC() -> list[str]:
    """Placeholder."""
    return []


LEFT_OUT: Mapping[str, str] = {}
