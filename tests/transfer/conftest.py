"""Worlds to back up and restore."""

from tests.estate.fixtures import deployed, founded, founded_deployed, world

__all__ = ["deployed", "founded", "founded_deployed", "world"]
