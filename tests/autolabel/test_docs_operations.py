"""docs/operations.md names what there is: metrics with their labels, settings with their values, commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from prometheus_client.parser import text_string_to_metric_families

from autolabel.conf import Conf
from autolabel.health.metrics import exposition

from .builders import make_job, make_worker, parts_project
from .fakes import picture

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()


@pytest.mark.django_db
def test_every_metric_is_listed_with_its_labels(rings: None, fake_model: None) -> None:
    make_job(parts_project(picture(1)))
    make_worker()
    listed = {
        name: set(re.findall(r"`(\w+)`", labels))
        for name, labels in re.findall(r"^\| `(autolabel_\w+)` \|([^|]*)\|", TEXT, re.MULTILINE)
    }
    families = list(text_string_to_metric_families(exposition().decode()))

    assert set(listed) == {family.name for family in families}
    for family in families:
        for sample in family.samples:
            assert set(sample.labels) == listed[family.name], family.name


def test_alerts_and_text_name_no_other_metric() -> None:
    known = set(re.findall(r"^\| `(autolabel_\w+)` \|", TEXT, re.MULTILINE)) | set(get_commands())
    assert set(re.findall(r"\bautolabel_\w+", TEXT)) <= known


def test_settings_are_given_with_their_defaults() -> None:
    defaults = Conf(host="x")
    given = re.findall(r"`([A-Z_]+)` \(([\d,.]+)( million| MB)?", TEXT)

    assert len(given) >= 7
    units = {"": 1, " million": 1_000_000, " MB": 1024 * 1024}
    for name, number, unit in given:
        assert getattr(defaults, name.lower()) == float(number) * units[unit], name
