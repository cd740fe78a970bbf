"""Worlds to test in."""

from tests.estate.fixtures import founded, founded_deployed

__all__ = ["founded", "founded_deployed"]
