"""The bounds of one isolated process, each with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobLimits:
    """Bounds that keep one job from taking the machine down.

    A job is one process, always: it may start threads (bounded by `memory_bytes`, which their
    stacks count against) but no further process.
    """

    memory_bytes: int = 4_294_967_296  # address space (RLIMIT_AS); a laptop keeps room beside it
    cpu_seconds: int = 3_600  # RLIMIT_CPU of a job; a worker has none, for it may live for months
    wall_seconds: float = 3_600.0  # a job that sleeps or waits uses no CPU and must end too
    start_seconds: float = 60.0  # a worker that is not ready by then never will be
    input_bytes: int = 4_294_967_296  # each input lies in memory, not on disk
    output_bytes: int = 1_073_741_824  # each output and standard error (RLIMIT_FSIZE)
    report_bytes: int = 1_048_576  # a report is facts; what is larger is an output
    line_bytes: int = 16_777_216  # one request or reply of a worker; what `parse_json` reads
    files: int = 256  # open descriptors (RLIMIT_NOFILE); also bounds memory held in memfds
    stderr_tail_bytes: int = 4_096  # enough for a traceback's end
    stderr_kept_bytes: int = 1_048_576  # of a worker between two requests; it may run for months
