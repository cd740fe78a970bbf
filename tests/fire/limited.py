"""The command line in a process that gets little from its machine.

    python -m tests.fire.limited files 20 --estate … data ingest …

`files` is how many descriptors it may have, `memory` how many KiB of address space beyond what it
has once everything is imported, `filesize` how many bytes a file may have. Importing is spared: an
interpreter that cannot load itself says so in its own way.
"""

from __future__ import annotations

import importlib
import pkgutil
import resource
import sys
from pathlib import Path

import freehold
from freehold.cli import build_app


def limit(what: str, value: int) -> None:
    """Take away what this process may have from now on."""
    for module in pkgutil.walk_packages(freehold.__path__, "freehold."):
        importlib.import_module(module.name)
    for name in ("encodings.idna", "sqlalchemy.dialects.sqlite.pysqlite", "rich.traceback"):
        importlib.import_module(name)
    match what:
        case "files":
            resource.setrlimit(resource.RLIMIT_NOFILE, (value, value))
        case "filesize":
            resource.setrlimit(resource.RLIMIT_FSIZE, (value, value))
        case "memory":
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            bytes_max = pages * resource.getpagesize() + value * 1024
            resource.setrlimit(resource.RLIMIT_AS, (bytes_max, bytes_max))


if __name__ == "__main__":
    what, value, *words = sys.argv[1:]
    sys.argv[1:] = words
    app = build_app()
    limit(what, int(value))
    app()
