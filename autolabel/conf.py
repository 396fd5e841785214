"""The settings of this app: `settings.AUTOLABEL`, read lazily and typed. Every key stands here beside its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

__all__ = ["Conf", "conf"]


@dataclass(frozen=True, slots=True)
class Conf:
    """One attribute a key, in lower case: `AUTOLABEL["LEASE_SECONDS"]` is `conf().lease_seconds`."""

    # Dotted path of the Host class (autolabel.hosts.base.Host). Required.
    host: str
    # The registry: model_type → {"PREDICTOR", "WEIGHTS", "SHA256", …}; see autolabel.inference.registry.
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # The queue of models that name none; a key of RQ_QUEUES.
    queue: str = "autolabel"
    # Folder in which the worker command runs its own Valkey; None when RQ_QUEUES names a server of yours.
    embedded_queue_dir: Path | None = None

    # Items in one chunk, the unit that a worker claims (16–64).
    chunk_size: int = 32
    # Items read from the host between two commits of the planner.
    plan_slice: int = 2000
    # How many workers may share one job.
    lanes_per_job: int = 8
    # A lane hands over to its successor after this time, so that a small job behind a huge one gets its turn.
    lane_seconds: float = 5.0
    # Threads that read and decode images while the model runs.
    decode_threads: int = 2

    # How long a silent worker keeps its chunk, and how often a live one says that it is there.
    lease_seconds: float = 30.0
    heartbeat_seconds: float = 5.0
    # How often a lane looks whether its job was cancelled.
    cancel_poll_seconds: float = 0.3
    # A chunk that has been claimed this often without an end is given up: its open items fail.
    chunk_attempts: int = 10

    # An item on which its worker has crashed this often, worked alone, fails.
    item_crashes: int = 2
    # A job without a committed batch for this long is shown as stalled.
    stalled_seconds: float = 60.0
    # How many jobs one user may have active at once; None is without a limit.
    max_active_jobs_per_user: int | None = 20

    # The reaper's round, and the age at which it fails a job that has not ended.
    reaper_seconds: float = 10.0
    job_max_hours: float = 72.0
    # Without a heartbeat for this long a worker no longer counts as live.
    worker_timeout_seconds: float = 30.0
    # A worker's model process is replaced after this many lanes, so that leaks cannot pile up.
    lanes_per_process: int = 500
    # A model process that uses more resident memory than this is killed, which costs only what it had in hand; None
    # is this worker's share of 90 % of what the machine, or its container, has.
    process_memory_bytes: int | None = None
    # How long workers may take to end in order once they are told to.
    drain_seconds: float = 20.0

    # Who may read /metrics without a staff session: the token of `Authorization: Bearer …`; None is nobody.
    metrics_token: str | None = None

    # Webhooks go to https:// only, and to no address inside the network; these are for development and tests.
    webhook_allow_http: bool = False
    webhook_allow_loopback: bool = False
    # How many deliveries one sender tries at once.
    webhook_threads: int = 16

    # Limits of an image, judged by its header before it is decoded.
    max_image_pixels: int = 50_000_000
    max_image_bytes: int = 50 * 1024 * 1024
    # What a shape must be to become a prediction; see autolabel.inference.quality.Limits for the keys and defaults.
    quality: Mapping[str, float] = field(default_factory=dict)
    # Where workers keep fetched weights and exported engines; None is a folder of this user's, made below the
    # system's folder for temporary files. Whoever can write to it decides what the workers run.
    cache_dir: Path | None = None
    # The longest list of item_uids a request may hold.
    max_item_uids: int = 10_000
    # How long an Idempotency-Key is remembered.
    idempotency_hours: float = 24.0


def conf() -> Conf:
    """The settings as they are now, so that `override_settings` works. Raises ImproperlyConfigured."""
    given = getattr(settings, "AUTOLABEL", None)
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured("settings.AUTOLABEL must be a dict that names at least HOST.")
    known = {f.name.upper(): f.name for f in fields(Conf)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ImproperlyConfigured(f"settings.AUTOLABEL does not know {', '.join(unknown)}.")
    if not given.get("HOST"):
        raise ImproperlyConfigured('settings.AUTOLABEL["HOST"] is missing: the dotted path of your Host class.')
    return Conf(**{known[key]: value for key, value in given.items()})
