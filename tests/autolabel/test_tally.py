"""What a job counts: the sum of its chunks' tallies, and the groups of its summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from autolabel.jobs.tally import GROUPS, merge
from autolabel.shapes import Shape

from .builders import balanced, drafts_of, make_job, parts_project, results_of, run_to_end
from .fakes import FakePredictor, picture

CARELESS = "tests.autolabel.test_tally.CarelessPredictor"


class CarelessPredictor(FakePredictor):
    """Finds on each image, beside what the picture asks for, one speck, and one box beside the image."""

    def predict_batch(self, images: Sequence[np.ndarray], labels: Sequence[str], floor: float) -> list[list[Shape]]:
        rubbish = [Shape("bolt", 0.9, (30.0, 20.0, 32.5, 22.5)), Shape("bolt", 0.9, (500.0, 0.0, 540.0, 30.0))]
        return [found + rubbish for found in super().predict_batch(images, labels, floor)]


def test_tallies_are_summed_by_group_and_name_and_every_group_is_there() -> None:
    tallies: list[dict[str, dict[str, int]]] = [
        {"dropped": {"speck": 1}, "incidents": {}},
        {"dropped": {"duplicate": 2, "speck": 3}, "failed": {"unreadable": 1}},
        {},
    ]
    total = merge(tallies)

    assert set(total) == set(GROUPS)
    assert total["dropped"] == {"duplicate": 2, "speck": 4}
    assert total["failed"] == {"unreadable": 1}
    assert total["incidents"] == {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("rings")
def test_the_summary_counts_by_reason_what_the_gate_has_dropped(
    fake_model: Callable[..., None], configure: Callable[..., Any]
) -> None:
    fake_model(PREDICTOR=CARELESS)
    configure(CHUNK_SIZE=2)
    job = balanced(run_to_end(make_job(parts_project(*[picture(1)] * 5))))

    assert job.summary["dropped"] == {"outside": 5, "speck": 5}
    assert job.summary["incidents"] == {}
    assert sum(job.summary["predictions"].values()) == len(drafts_of(job)) == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("rings")
def test_an_item_of_which_everything_was_dropped_is_skipped_for_its_low_quality(
    fake_model: Callable[..., None],
) -> None:
    fake_model(PREDICTOR=CARELESS)
    job = balanced(run_to_end(make_job(parts_project(picture(0), picture(1, 0.3), picture(1)))))

    assert job.summary["skipped"] == {"below_threshold": 1, "low_quality": 1}
    assert sorted(row.reason for row in results_of(job).values()) == ["", "below_threshold", "low_quality"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("rings", "fake_model")
def test_an_item_on_which_the_model_found_nothing_says_so() -> None:
    job = balanced(run_to_end(make_job(parts_project(picture(0)))))

    assert job.summary["skipped"] == {"nothing_found": 1}
    assert job.summary["dropped"] == {}
