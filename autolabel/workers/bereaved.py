"""What is done at once when a worker, or its model process, is known to have died: nobody waits for its leases."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection

from django.db import connections

from autolabel import queue
from autolabel.exceptions import ModelUnavailable
from autolabel.jobs import leases
from autolabel.jobs.catalog import spec_for
from autolabel.models import Job, Worker

__all__ = ["give_back"]

logger = logging.getLogger(__name__)

# A database that hangs must not keep anybody from starting a new process; the leases run out by themselves then.
_PATIENCE_SECONDS = 5.0


def give_back(holder: str, note: str, worker: str, job_uids: Collection[str] = ()) -> None:
    """Give back what `holder` held, and ring for its jobs and for `job_uids`; `note` says how it ended.

    `worker` is the name under which it was published. Never raises: what cannot be done now, the reaper does.
    """
    arguments = (holder, note, worker, set(job_uids))
    thread = threading.Thread(target=_give_back, args=arguments, name="give-back", daemon=True)
    thread.start()
    thread.join(_PATIENCE_SECONDS)


def _give_back(holder: str, note: str, worker: str, job_uids: set[str]) -> None:
    try:
        rows = Worker.objects.filter(name=worker)
        uids = (
            job_uids | leases.release_of(holder, note) | set(rows.exclude(job_uid="").values_list("job_uid", flat=True))
        )
        rows.delete()
        for job in Job.objects.active().unpaused().filter(uid__in=uids):
            queue.ring(job.uid, spec_for(job.model_type, job.model_version).queue)
    except (queue.QueueDown, ModelUnavailable) as error:
        logger.warning("Nobody is rung for what %s held; the reaper does it: %s", holder, error)
    except Exception:
        logger.exception("What %s held cannot be given back; its leases run out by themselves.", holder)
    finally:
        connections.close_all()
