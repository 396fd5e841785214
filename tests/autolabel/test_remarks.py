"""What was out of the ordinary in a job, in words."""

from __future__ import annotations

import json

from django.template import Context, Template

from autolabel.jobs.remarks import WORDS, remarks
from autolabel.models import Job


def test_it_names_the_model_and_its_engine_what_was_dropped_and_what_went_wrong() -> None:
    model = {"name": "yolo26n", "engine": "openvino", "device": "cpu", "notes": ["ONNX Runtime was refused."]}
    dropped = {"speck": 12, "fragment": 1}

    assert remarks({"model": model, "dropped": dropped, "incidents": {"out_of_memory_batch_halved": 2}}) == [
        "Model: yolo26n (openvino, cpu).",
        "12 specks, 1 loose fragment of a mask dropped.",
        "2 batches halved because the memory was full.",
        "ONNX Runtime was refused.",
    ]


def test_there_is_nothing_to_say_of_a_job_without_a_summary_or_with_an_ordinary_one() -> None:
    assert remarks(None) == []
    assert remarks({"model": {}, "dropped": {}, "incidents": {}}) == []
    assert remarks({"model": {"name": "fake", "engine": "none", "device": "cpu"}}) == ["Model: fake (cpu)."]


def test_a_reason_without_words_is_shown_by_its_name() -> None:
    assert remarks({"dropped": {"too_round": 1234}}) == ["1,234 too_round dropped."]


def test_pages_have_it_as_a_filter() -> None:
    job = Job(summary={"dropped": {"sliver": 1}})
    text = Template("{% load autolabel %}{{ job|job_remarks|join:' ' }}").render(Context({"job": job}))

    assert text == "1 sliver dropped."


def test_the_scripts_can_read_the_words() -> None:
    assert json.loads(json.dumps(WORDS))["speck"] == ["speck", "specks"]
