"""What the machinery costs without a model: claims, decoding, commits, drafts; images a second by number of lanes.

    make bench-engine            2,000 images, 3 runs for each number of lanes
    make bench-engine SCALE=0.1  a tenth of it

The model is the fake one of the tests, which finds zero to three boxes in no time. SQLite, in a folder of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 3
LANES = (1, 2, 4)
REPOSITORY = Path(__file__).resolve().parents[1]
LANE = "import django, sys; django.setup(); from autolabel.jobs.lane import run_lane; run_lane(sys.argv[1])"


def main(images: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DATA_DIR": folder,
            "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
            "DJANGO_SETTINGS_MODULE": "tests.site_settings",
            "PYTHONPATH": str(REPOSITORY),
            "LOG_LEVEL": "ERROR",
        }
        sys.path.insert(0, str(REPOSITORY))
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        project_uid = make_project(images)
        rates = {lanes: [measure(project_uid, images, lanes) for _ in range(RUNS)] for lanes in LANES}
    medians = {lanes: statistics.median(values) for lanes, values in rates.items()}
    print(f"{'lanes':>5} {'images/s':>9} {'ratio':>6}   ({images} images, median of {RUNS})")
    for lanes, median in medians.items():
        print(f"{lanes:>5} {median:>9.0f} {median / medians[1]:>6.2f}")
    figures = {f"images_per_second_{lanes}": round(median, 1) for lanes, median in medians.items()}
    print(json.dumps({"images": images, **figures, "ok": True}))
    return 0


def make_project(images: int) -> str:
    """Items that share four small files, since only reading them counts here."""
    from annotation_platform.models import Item
    from tests.site_rows import make_project as make_small_project

    uid = make_small_project(4)
    originals = list(Item.objects.filter(project__uid=uid))
    Item.objects.bulk_create(
        Item(project_id=one.project_id, name=one.name, image=one.image.name, width=one.width, height=one.height)
        for one in (originals[number % 4] for number in range(images - 4))
    )
    return uid


def measure(project_uid: str, images: int, lanes: int) -> float:
    """Images a second of one job, from the first claim to the end; the processes' start does not count."""
    from autolabel.hosts.loader import get_host
    from autolabel.jobs.services import JobRequest, create_job
    from autolabel.models import Job

    job = create_job(get_host().get_project_trusted(project_uid), JobRequest())
    while job.is_active:
        processes = [subprocess.Popen([sys.executable, "-c", LANE, job.uid]) for _ in range(lanes)]
        for process in processes:
            process.wait()
        job.refresh_from_db()
    assert job.status == Job.Status.COMPLETED, job.error_message
    assert job.processed_items == images
    return images / (job.summary or {})["seconds"]


if __name__ == "__main__":
    sys.exit(main(max(40, int(2000 * float(os.environ.get("SCALE", "1"))))))
