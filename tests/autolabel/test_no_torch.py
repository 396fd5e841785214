"""The web process works where torch is not installed, and does not load it where it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BLOCK = """
import sys
for name in ("torch", "torchvision", "ultralytics", "cv2", "segment_anything"):
    sys.modules[name] = None
"""

# Everything the web process does: migrations, the admin, the routes, the schema, a job by the API, the button.
SCRIPT = """
import django
django.setup()
from django.conf import settings
settings.ALLOWED_HOSTS = ["testserver"]
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("check")
import autolabel.admin, autolabel.api.urls, autolabel.jobs.reaper, autolabel.jobs.lane, autolabel.workers.tasks
from django.test import Client
from annotation_platform.models import Label, Membership, Project
from django.contrib.auth import get_user_model
user = get_user_model().objects.create(username="boss", is_staff=True, is_superuser=True)
project = Project.objects.create(name="Parts")
Label.objects.create(project=project, name="bolt", color="#ff0000")
Membership.objects.create(project=project, user=user, role="manager")
client = Client()
client.force_login(user)
answer = client.post(f"/api/v1/projects/{project.uid}/auto-label/", {}, content_type="application/json")
assert answer.status_code == 202, answer.content
assert client.get(answer["Location"]).json()["status"] == "pending"
assert client.get("/admin/autolabel/job/").status_code == 200
assert client.get("/api/v1/auto-label-models/").status_code == 200
assert client.get("/api/v1/schema/").status_code == 200
assert client.get(f"/projects/{project.uid}/").status_code == 200
import sys
print("loaded:", sorted({"torch", "ultralytics", "cv2"} & {name for name, module in sys.modules.items() if module}))
"""


@pytest.mark.parametrize("block", [BLOCK, ""], ids=["not-installed", "installed"])
def test_a_web_process_starts_a_job_without_torch(block: str, tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "annotation_platform.settings",
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "REDIS_URL": "",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", block + SCRIPT], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    assert "loaded: []" in done.stdout
