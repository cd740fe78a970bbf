"""Worlds to audit, and closed estates to tamper with."""

from tests.estate.fixtures import deployed, founded, founded_deployed, world
from tests.tamper.conftest import template, victim

__all__ = ["deployed", "founded", "founded_deployed", "template", "victim", "world"]
