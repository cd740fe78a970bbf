"""Worlds to test in."""

from tests.estate.fixtures import deployed, founded, founded_deployed, world

__all__ = ["deployed", "founded", "founded_deployed", "world"]
