"""The demonstration: the whole line once, on real input, in under a minute; nothing in it is
staged.

    run_demo(Path("demo-estate"))
    run_demo(Path("demo-estate"), data=Path("claims.csv"), label="fraud")

The estate it makes is marked trial for ever: both owners' keys are the demonstration's own.
"""

from freehold.demo._run import run_demo
from freehold.demo.errors import DemoError

__all__ = ["DemoError", "run_demo"]
