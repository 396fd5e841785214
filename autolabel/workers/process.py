"""Small things that every process of ours needs."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["die_with_parent"]

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int, signum: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel to signal this process when its parent ends; exits if it has already. Linux; elsewhere a no-op.

    The kernel watches the THREAD that started us, so parents must start us from a thread that lives as they do.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent_pid:
        sys.exit("The parent process has ended.")
