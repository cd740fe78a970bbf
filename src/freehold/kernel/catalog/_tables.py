"""The kernel's own tables: where the projection stands, the newest time, every act in brief."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text

KERNEL_TABLES = MetaData()

POSITION = Table(
    "position",
    KERNEL_TABLES,
    Column("log", String, primary_key=True),
    Column("size", Integer, nullable=False),
)

CLOCK = Table(
    "clock",
    KERNEL_TABLES,
    Column("log", String, primary_key=True),
    Column("newest", String, nullable=False),  # time, since owners last accepted the host's clock
    Column("accepted", Integer, nullable=False),  # how often they have
)

ACT = Table(
    "act",
    KERNEL_TABLES,
    Column("position", Integer, primary_key=True),  # index in the log
    Column("id", String(36), nullable=False),
    Column("time", String, nullable=False),
    Column("principal", String, nullable=False),
    Column("act", String, nullable=False),
    Column("phase", String, nullable=False),
    Column("resource", String, nullable=False),
    Column("purpose", String),
    Column("error", String),
    Column("continues", String(36)),
    Column("policies", Text, nullable=False),  # determining policy ids, separated by spaces
    Index("act_by_id", "id", unique=True),
    Index("act_by_act", "act"),  # within one act by position: what retention looks through
    Index("act_by_resource", "resource"),
    Index("act_by_principal", "principal"),
)

LINK = Table(
    "link",
    KERNEL_TABLES,
    Column("position", Integer, primary_key=True),
    Column("direction", String, primary_key=True),  # in | out | by (an approval used) | under
    Column("ref", String, primary_key=True),
    Column("sealed", String),
    Column("digest", String),
    Index("link_by_ref", "ref", "direction"),  # a model goes into each of its answers
)
