"""The charter room's tables."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, MetaData, String, Table

from freehold.kernel.catalog import DOMAIN, ERASABLE

TABLES = MetaData()

ESTATE = Table(
    "estate",
    TABLES,
    Column("id", String(36), primary_key=True),
    Column("is_trial", Boolean, nullable=False),
    Column("created", String, nullable=False),
    Column("vkey", String, nullable=False),
)

CHARTER = Table(
    "charter",
    TABLES,
    Column("id", String(36), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", String, nullable=False),
    Column("blob", String, nullable=False),
    Column("is_ratified", Boolean, nullable=False),
)

OWNER = Table(
    "charter_owner",
    TABLES,
    Column("charter", String(36), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("domain", String(36), nullable=False, info=DOMAIN),
    Column("code", String, info=ERASABLE),
    Column("ssh_key", String, info=ERASABLE),
)

RATIFICATION = Table(
    "ratification",
    TABLES,
    Column("charter", String(36), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("owner", String(36), primary_key=True),
    Column("record", String(36), nullable=False),
    Column("nonce", String, nullable=False),
)

POLICY = Table(
    "policy_set",
    TABLES,
    Column(
        "id", String(36), primary_key=True
    ),  # of the proposal, or of the charter it was compiled from
    Column("version", Integer, primary_key=True),
    Column("digest", String, nullable=False),
    Column("blob", String, nullable=False),
    Column("proposed_by", String, nullable=False),
    Column("in_force_since", String),  # null while only proposed
    Column(
        "put_in_force_by", String(36)
    ),  # record; its place in the log, not the time, tells which is newest
)
