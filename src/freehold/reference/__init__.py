"""The reference pages, generated from the declarations so that they cannot be wrong.

    python -m freehold.reference            # write docs/reference/*.md
    python -m freehold.reference --check    # exit 1 where a page is not what would be written

CI checks them.
"""

from freehold.reference._pages import pages

__all__ = ["pages"]
