"""The command line: `freehold <noun> <verb>`, generated from the verbs, and a few commands of its
own.

    main()    # the console script

It is thin: what a verb does lies below it.
"""

from freehold.cli._main import build_app, main

__all__ = ["build_app", "main"]
