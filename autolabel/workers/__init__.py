"""Processes: the RQ task, the warm worker, the reaper's loop, the embedded queue server, and their supervisor."""
