"""What `Site` runs inside its own processes."""

from __future__ import annotations

import io
import time
from collections import Counter
from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from PIL import Image

from annotation_platform.demo.scenes import LABELS, demo_scenes
from annotation_platform.models import Annotation, Project
from annotation_platform.projects import create_project
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


def make_scene_project(username: str, scenes: int) -> str:
    """A project of demo scenes, managed by a new user whose password is the name; its uid."""
    user = get_user_model().objects.create_user(username, password=username)
    project = create_project(user, "Workbench", [(label, None) for label in LABELS])
    for scene in islice((one for one in demo_scenes() if one.objects), scenes):
        file = io.BytesIO()
        scene.image.save(file, "JPEG", quality=92)
        create_item(project, ContentFile(file.getvalue()), name=scene.name)
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
