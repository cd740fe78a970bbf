"""Writing Cedar: one policy, and the few expressions that the charter's policies are made of.

Text from values; it knows nothing of charters.
"""

from __future__ import annotations

from collections.abc import Iterable


def policy(effect: str, policy_id: str, reason: str, *, acts: Iterable[str], condition: str) -> str:
    """Write one policy; no acts means every act."""
    names = ",\n    ".join(action(act) for act in sorted(acts))
    scope = f"action in [\n    {names}\n  ]" if names else "action"
    return (
        f"@id({quote(policy_id)})\n"
        f"@reason({quote(' '.join(reason.split()))})\n"
        f"{effect} (\n  principal,\n  {scope},\n  resource\n)\n"
        f"when {{\n  {condition}\n}};\n"
    )


def is_act(act: str) -> str:
    """Say that the action is this act."""
    return f"action == {action(act)}"


def action(act: str) -> str:
    """Name an act."""
    return f"Action::{quote(act)}"


def set_of(values: Iterable[str]) -> str:
    """Write a set of strings, in order."""
    return f"[{', '.join(quote(value) for value in sorted(values))}]"


def quote(text: str) -> str:
    """Write a Cedar string literal; what does not print becomes `\\u{…}`."""
    escaped = (
        f"\\{char}" if char in '"\\' else char if char.isprintable() else f"\\u{{{ord(char):x}}}"
        for char in text
    )
    return f'"{"".join(escaped)}"'
