"""What docs/webhooks.md says of bodies and of tries is what is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from autolabel.jobs import lifecycle
from autolabel.models import WebhookEvent
from autolabel.webhooks.delivery import PAUSES
from tests.factories import make_project

from .builders import make_job, make_worker, parts_project, run_to_end
from .fakes import picture

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text()
EXAMPLE = json.loads(re.findall(r"^```json\n(.*?)^```", DOCS, re.DOTALL | re.MULTILINE)[0])
UNITS = {"s": 1, "min": 60, "h": 3600}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("fake_model", "rings")
def test_the_example_has_the_keys_of_a_completed_job() -> None:
    make_worker()
    run_to_end(make_job(parts_project(picture(2), picture(1, 0.3))))
    payload = WebhookEvent.objects.get().payload

    assert list(EXAMPLE) == sorted(payload)
    assert set(EXAMPLE["summary"]) == set(payload["summary"])
    assert set(EXAMPLE["summary"]["model"]) <= set(payload["summary"]["model"])


@pytest.mark.django_db
@pytest.mark.usefixtures("fake_model", "rings")
def test_what_is_said_of_failed_and_cancelled_jobs_holds() -> None:
    for status, end in (("failed", lambda pk: lifecycle.fail(pk, "No model.")), ("cancelled", lifecycle.cancel)):
        job = make_job(make_project())
        end(job.pk)
        event = WebhookEvent.objects.get(job=job)

        assert event.event_type == f"auto_label.{status}"
        assert sorted(event.payload) == list(EXAMPLE)
        assert event.payload["status"] == status
        assert event.payload["error_message"] == ("No model." if status == "failed" else "")


def test_every_type_of_event_is_in_the_table() -> None:
    assert set(re.findall(r"^\| `(auto_label\.\w+)` \| (?!`)", DOCS, re.MULTILINE)) == set(WebhookEvent.Type.values)


def test_the_table_of_tries_is_that_of_the_sender() -> None:
    row = re.search(r"^\| after \|(.*)\|$", DOCS, re.MULTILINE)
    assert row is not None
    waits = [cell.split() for cell in row[1].split("|")]

    assert [int(number) * UNITS[unit] for number, unit in waits] == [pause.total_seconds() for pause in PAUSES]
