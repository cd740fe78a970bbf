"""Data contracts: what a table promises, written down, reviewed and checked.

A contract is a TOML file (docs/formats/data-contract.md). Everything here is a pure function over
text, values and tables:

    draft = suggest(table)                       # a first contract, from data
    contract = parse(path.read_text())           # strict; dump() writes it canonically
    report = check(contract, table, today=day)   # counts and row numbers, never values
    report.require()                             # raises where a rule that refuses is not kept
    compare(reviewed, contract)                  # what is looser, what is tighter
"""

from freehold.data.contracts._check import check
from freehold.data.contracts._compare import Change, Effect, compare
from freehold.data.contracts._contract import Contract
from freehold.data.contracts._dump import dump
from freehold.data.contracts._kinds import Kind, Value
from freehold.data.contracts._limits import DEFAULT_CONTRACT_LIMITS, ContractLimits
from freehold.data.contracts._parse import parse
from freehold.data.contracts._parts import (
    Column,
    Comparison,
    Freshness,
    Key,
    Operator,
    Reference,
    Rows,
    Severity,
)
from freehold.data.contracts._report import Outcome, Report, State
from freehold.data.contracts._rules import Rule, rules
from freehold.data.contracts._suggest import suggest

__all__ = [
    "DEFAULT_CONTRACT_LIMITS",
    "Change",
    "Column",
    "Comparison",
    "Contract",
    "ContractLimits",
    "Effect",
    "Freshness",
    "Key",
    "Kind",
    "Operator",
    "Outcome",
    "Reference",
    "Report",
    "Rows",
    "Rule",
    "Severity",
    "State",
    "Value",
    "check",
    "compare",
    "dump",
    "parse",
    "rules",
    "suggest",
]
