"""Real inference: the demo's weights, on demo scenes, through the code that runs any YOLO checkpoint."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotation_platform.demo.scenes import LABELS, Scene, demo_scenes
from annotation_platform.demo.score import Found, Score, box_iou, score_image
from annotation_platform.models import Annotation, Item
from autolabel.exceptions import ModelUnavailable
from autolabel.hosts.loader import get_host
from autolabel.inference.images import decode_image
from autolabel.inference.registry import get_spec, load_predictor, verify_weights
from autolabel.inference.yolo import YoloPredictor
from autolabel.jobs.lane import run_lane
from autolabel.jobs.services import JobRequest, create_job
from autolabel.models import ItemResult, Job
from autolabel.shapes import Shape
from tests.factories import image_bytes, make_project

ROTATED_CLOCKWISE = 6  # of EXIF orientation: turn by 90° clockwise to see it upright
THRESHOLD = 0.5


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return list(demo_scenes(count=12))


@pytest.fixture
def yolo() -> YoloPredictor:
    predictor = load_predictor("yolo")
    assert isinstance(predictor, YoloPredictor)
    return predictor


def pixels(scene: Scene) -> np.ndarray:
    return np.asarray(scene.image)


def found(shapes: list[Shape]) -> list[Found]:
    return [Found(shape.label, shape.bbox_xyxy, shape.score) for shape in shapes if shape.score >= THRESHOLD]


def truth(scene: Scene) -> list[Found]:
    return [Found(thing.label, thing.bbox_xyxy) for thing in scene.objects]


def rotated_jpeg(image: Image.Image) -> bytes:
    """A photo as a camera held sideways writes it: the pixels lie on their side, a tag says how to turn them."""
    exif = Image.Exif()
    exif[0x0112] = ROTATED_CLOCKWISE
    file = io.BytesIO()
    image.rotate(90, expand=True).save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue()


def test_it_finds_what_the_scenes_show(yolo: YoloPredictor, scenes: list[Scene]) -> None:
    predicted = yolo.predict_batch([pixels(scene) for scene in scenes], LABELS, 0.05)
    total = sum(
        (score_image(found(shapes), truth(scene)) for shapes, scene in zip(predicted, scenes, strict=True)), Score()
    )
    assert total.precision >= 0.9
    assert total.recall >= 0.9


def test_its_labels_come_from_the_weights(yolo: YoloPredictor) -> None:
    assert yolo.info.labels == LABELS
    assert yolo.info.weights_sha256 == get_spec("yolo").sha256
    assert {"torch"} <= set(yolo.info.libraries)


def test_a_result_does_not_depend_on_the_rest_of_the_batch(yolo: YoloPredictor, scenes: list[Scene]) -> None:
    alone = yolo.predict_batch([pixels(scenes[0])], LABELS, 0.25)[0]
    tall = np.zeros((500, 100, 3), np.uint8)
    together = yolo.predict_batch([tall, pixels(scenes[0]), pixels(scenes[1])], LABELS, 0.25)[1]
    assert [shape.label for shape in alone] == [shape.label for shape in together]
    for one, other in zip(alone, together, strict=True):
        assert one.score == pytest.approx(other.score, abs=0.01)
        assert one.bbox_xyxy == pytest.approx(other.bbox_xyxy, abs=0.5)


def test_boxes_lie_inside_their_image_best_first_and_above_the_floor(yolo: YoloPredictor, scenes: list[Scene]) -> None:
    for shapes in yolo.predict_batch([pixels(scene) for scene in scenes], LABELS, 0.1):
        scores = [shape.score for shape in shapes]
        assert scores == sorted(scores, reverse=True)
        assert all(0.1 <= score <= 1 for score in scores)
        for x_min, y_min, x_max, y_max in (shape.bbox_xyxy for shape in shapes):
            assert 0 <= x_min < x_max <= 640
            assert 0 <= y_min < y_max <= 480


def test_no_images_are_no_results(yolo: YoloPredictor) -> None:
    assert yolo.predict_batch([], LABELS, 0.05) == []


def test_a_rotated_photo_gets_its_boxes_in_the_right_place(yolo: YoloPredictor, scenes: list[Scene]) -> None:
    scene = next(scene for scene in scenes if len(scene.objects) >= 4)
    decoded = decode_image(io.BytesIO(rotated_jpeg(scene.image)))
    assert (decoded.width, decoded.height, decoded.rotated) == (640, 480, True)
    boxes = found(yolo.predict_batch([decoded.pixels()], LABELS, 0.05)[0])
    assert score_image(boxes, truth(scene)).recall >= 0.75


def test_pillow_is_left_as_it_was(yolo: YoloPredictor) -> None:
    """Ultralytics replaces Image.open by one that asks for another package when a file is unreadable."""
    with pytest.raises(Image.UnidentifiedImageError):
        Image.open(io.BytesIO(b"no image"))


class RunsCode:
    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return os.makedirs, (f"{RunsCode.folder}",)  # type: ignore[return-value]

    folder = ""


def test_weights_that_would_run_code_are_refused(tmp_path: Path) -> None:
    import torch

    RunsCode.folder = str(tmp_path / "was-here")
    weights = tmp_path / "evil.pt"
    torch.save({"model": RunsCode()}, weights)
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    spec = dataclasses.replace(get_spec("yolo"), weights=weights, sha256=sha256)
    verify_weights(spec)
    with pytest.raises(Exception, match="outside the supported"):
        YoloPredictor(spec)
    assert not (tmp_path / "was-here").exists()


def test_other_weights_than_the_registered_ones_are_not_loaded(tmp_path: Path) -> None:
    weights = tmp_path / "other.pt"
    weights.write_bytes(b"something else")
    with pytest.raises(ModelUnavailable, match="not the registered ones"):
        verify_weights(dataclasses.replace(get_spec("yolo"), weights=weights))


HEADER_BOMB = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (20_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"


@pytest.mark.django_db(transaction=True)  # images are read in threads
def test_a_job_over_odd_and_broken_files_completes(scenes: list[Scene]) -> None:
    """The broken ones fail with a reason; the odd ones are labeled, the rotated one in the right place."""
    scene = next(scene for scene in scenes if len(scene.objects) >= 4)
    broken = {
        "empty.jpg": b"",
        "cut.jpg": image_bytes((640, 480), color=(9, 99, 199))[:300],
        "text.jpg": b"this is no image",
        "bomb.png": HEADER_BOMB,
    }
    odd = {
        "cmyk.jpg": image_bytes((320, 240), "JPEG", mode="CMYK"),
        "grey16.png": image_bytes((320, 240), "PNG", mode="I;16"),
        "alpha.png": image_bytes((320, 240), "PNG", mode="RGBA", color=(10, 20, 30, 40)),
        "rotated.jpg": rotated_jpeg(scene.image),
    }
    project = make_project(labels=LABELS)
    items = {name: _stored(project, name, content) for name, content in {**broken, **odd}.items()}
    job = create_job(get_host().get_project_trusted(project.uid), JobRequest())
    run_lane(job.uid)
    job.refresh_from_db()
    assert job.status == Job.Status.COMPLETED, job.error_message
    assert (job.total_items, job.failed_items) == (8, 4)
    failed = dict(job.item_results.filter(outcome="failed").values_list("item_uid", "message"))
    assert set(failed) == {items[name].uid for name in broken}
    assert all(failed.values())
    assert job.item_results.filter(reason=ItemResult.Reason.UNREADABLE).count() == 4
    drafts = [
        Found(row.label.name, row.bbox_xyxy, row.score or 0)
        for row in Annotation.objects.filter(item=items["rotated.jpg"])
    ]
    assert score_image(drafts, truth(scene)).recall >= 0.75
    assert all(box_iou(draft.bbox_xyxy, (0, 0, 640, 480)) > 0 for draft in drafts)


def _stored(project: object, name: str, content: bytes) -> Item:
    """An item whose file is as it is, past the upload's checks, as when the storage has spoiled it."""
    from django.core.files.base import ContentFile

    item = Item(project=project, name=name, width=640, height=480)
    item.image.save(name, ContentFile(content), save=False)
    item.save()
    return item
