"""Files to be published must not name the machine that made them."""

import socket
from pathlib import Path


def refuse_machine_traces(content: bytes, source: Path) -> None:
    """Raise ValueError where a file to be published names a folder or the host of this machine."""
    folders = source.resolve().parents
    places = {folders[0], folders[min(3, len(folders) - 1)], Path.cwd(), Path.home(), Path(__file__).parent}
    traces = {str(place) for place in places} | {"/home/", "/tmp/", "/root/", "/Users/", socket.gethostname()}  # noqa: S108
    found = sorted(trace for trace in traces if len(trace) > 3 and trace.encode() in content)
    if found:
        raise ValueError(f"the checkpoint still names this machine: {found}")
