"""What `Site` runs inside its own processes."""

from __future__ import annotations

import io
import time
from collections import Counter
from typing import Any

from django.core.files.base import ContentFile
from PIL import Image

from annotation_platform.models import Annotation, Project
from annotation_platform.uploads import create_item
from autolabel.models import Job, Prediction, WebhookEvent
from tests.factories import make_project as make_bare_project


def make_project(items: int) -> str:
    project: Project = make_bare_project(labels=("washer", "nut", "bolt"))
    for number in range(items):
        image = Image.new("RGB", (32, 24))
        image.putpixel((0, 0), (number % 4, 200, 0))
        file = io.BytesIO()
        image.save(file, "PNG")
        create_item(project, ContentFile(file.getvalue()), name=f"{number}.png")
    return project.uid


def outcome(job_uid: str, seconds: float) -> dict[str, Any]:
    ends_at = time.monotonic() + seconds
    job = Job.objects.get(uid=job_uid)
    while job.is_active and time.monotonic() < ends_at:
        time.sleep(0.1)
        job.refresh_from_db()
    results = job.item_results.all()
    drafts = Annotation.objects.filter(job_uid=job.uid)
    per_item = Counter(drafts.values_list("item__uid", flat=True))
    return {
        "status": job.status,
        "error": job.error_message,
        "total": job.total_items,
        "counted": [job.successful_items, job.skipped_items, job.failed_items],
        "results": [results.filter(outcome=one).count() for one in ("successful", "skipped", "failed")],
        "drafts": drafts.count(),
        "drafts_of_results": sum(results.values_list("drafts", flat=True)),
        "wrong_items": sum(per_item[uid] != count for uid, count in results.values_list("item_uid", "drafts")),
        "predictions": Prediction.objects.filter(job=job).count(),
        "open_chunks": job.chunks.open().count(),
        "events": WebhookEvent.objects.filter(job=job).count(),
        "drafts_in_summary": sum((job.summary or {}).get("drafts", {}).values()),
    }
