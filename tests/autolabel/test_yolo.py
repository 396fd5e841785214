"""Real inference: the demo's weights, on demo scenes, through the code that runs any YOLO checkpoint.

What every predictor must do is in predictor_contract.py.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.test import override_settings
from PIL import Image

from annotation_platform.demo.scenes import LABELS, Scene, demo_scenes
from annotation_platform.demo.score import Found, Score, box_iou, score_image
from annotation_platform.models import Annotation, Item
from autolabel.exceptions import ModelUnavailable
from autolabel.hosts.loader import get_host
from autolabel.inference.base import Engine
from autolabel.inference.registry import get_spec, load_predictor, verify_weights
from autolabel.inference.yolo import YoloPredictor, import_ultralytics
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


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Exports are kept for these tests alone."""
    folder = tmp_path_factory.getbasetemp() / "engines"
    with override_settings(AUTOLABEL={**settings.AUTOLABEL, "CACHE_DIR": folder}):
        yield


@pytest.fixture
def yolo() -> YoloPredictor:
    predictor = load_predictor(get_spec("yolo"))
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


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_on_an_engine_a_result_does_not_depend_on_the_batch_at_all(engine: Engine, scenes: list[Scene]) -> None:
    yolo = YoloPredictor(dataclasses.replace(get_spec("yolo"), device="cpu", engine=engine))
    alone = [yolo.predict_batch([pixels(scene)], LABELS, 0.05)[0] for scene in scenes[:3]]
    assert yolo.predict_batch([pixels(scene) for scene in scenes[:3]], LABELS, 0.05) == alone


def test_it_names_what_computes_it() -> None:
    info = YoloPredictor(dataclasses.replace(get_spec("yolo"), device="cpu", engine="pytorch")).info
    assert (info.engine, info.device, info.precision, info.kinds) == ("pytorch", "cpu", "fp32", ("box",))


THREADS = """
import django
django.setup()
from dataclasses import replace
from autolabel.inference import engines
from autolabel.inference.registry import build_predictor, get_spec
for engine in engines.ENGINES:
    object.__setattr__(engine, "load", lambda path, threads, load=engine.load: (print(threads), load(path, threads))[1])
build_predictor(replace(get_spec("yolo"), device="cpu", engine="openvino"))
import torch
print(torch.get_num_threads())
"""


@pytest.mark.parametrize("given", [None, "1", "3"])
def test_it_uses_every_core_or_as_many_as_it_is_told(given: str | None, tmp_path: Path) -> None:
    """Ultralytics leaves one idle when it chooses a device, and takes a single one where nobody has said how many."""
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    env |= {"DJANGO_SETTINGS_MODULE": "annotation_platform.settings", "TMPDIR": str(tmp_path), "REDIS_URL": ""}
    env |= {"DATA_DIR": str(tmp_path), "PYTHONPATH": str(settings.BASE_DIR)}
    env |= {"OMP_NUM_THREADS": given} if given else {}
    done = subprocess.run([sys.executable, "-c", THREADS], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert [int(line) for line in done.stdout.split()] == [int(given or os.cpu_count() or 1)] * 2


def test_it_gives_no_more_than_the_best_predictions(scenes: list[Scene]) -> None:
    few = YoloPredictor(dataclasses.replace(get_spec("yolo"), max_predictions=2))
    scene = next(scene for scene in scenes if len(scene.objects) >= 4)
    assert len(few.predict_batch([pixels(scene)], LABELS, 0.05)[0]) == 2


def test_an_image_size_is_rounded_up_to_what_the_network_takes(scenes: list[Scene]) -> None:
    odd = YoloPredictor(dataclasses.replace(get_spec("yolo"), image_size=300))
    even = YoloPredictor(dataclasses.replace(get_spec("yolo"), image_size=320))
    images = [pixels(scenes[0])]
    assert odd.predict_batch(images, LABELS, 0.3) == even.predict_batch(images, LABELS, 0.3)


def test_without_an_image_size_it_is_the_one_that_the_weights_were_trained_at(scenes: list[Scene]) -> None:
    trained = YoloPredictor(dataclasses.replace(get_spec("yolo"), image_size=None))
    given = YoloPredictor(dataclasses.replace(get_spec("yolo"), image_size=320))
    images = [pixels(scenes[0])]
    assert trained.predict_batch(images, LABELS, 0.3) == given.predict_batch(images, LABELS, 0.3)


def test_options_that_it_does_not_know_are_refused() -> None:
    with pytest.raises(ModelUnavailable, match="unknown keys: imgsz"):
        YoloPredictor(dataclasses.replace(get_spec("yolo"), options={"imgsz": 640}))


@pytest.mark.parametrize("architecture", ["yolo26n-cls.yaml", "yolo26n-pose.yaml"])
def test_weights_for_another_task_are_refused(architecture: str, tmp_path: Path) -> None:
    weights = tmp_path / "other.pt"
    import_ultralytics().YOLO(architecture).save(weights)
    with pytest.raises(ModelUnavailable, match="takes detection weights, which give boxes, and segmentation weights"):
        YoloPredictor(dataclasses.replace(get_spec("yolo"), weights=weights))


def test_weights_for_images_of_other_channels_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "grey.pt"
    ultralytics = import_ultralytics()
    model = ultralytics.YOLO("yolo26n.yaml")
    model.model = ultralytics.nn.tasks.DetectionModel("yolo26n.yaml", ch=1, verbose=False)
    model.save(weights)
    with pytest.raises(ModelUnavailable, match="images of 1 channels"):
        YoloPredictor(dataclasses.replace(get_spec("yolo"), weights=weights))


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


def test_a_description_of_a_network_is_no_checkpoint(tmp_path: Path) -> None:
    """Of a .yaml ultralytics would build a network with random weights, and say nothing."""
    weights = tmp_path / "yolo26n.yaml"
    weights.write_text("nc: 4")
    with pytest.raises(ModelUnavailable, match=r"no \.pt file"):
        YoloPredictor(dataclasses.replace(get_spec("yolo"), weights=weights))


def test_it_refuses_them_where_ultralytics_was_imported_before_us(tmp_path: Path) -> None:
    """In a process of its own: ultralytics reads its switches once, when it is imported."""
    code = f"""
import pathlib, ultralytics
from autolabel.inference.yolo_network import import_ultralytics
from tests.autolabel.test_yolo import RunsCode
import PIL.Image, torch
RunsCode.folder = {str(tmp_path / "was-here")!r}
torch.save({{"model": RunsCode()}}, {str(tmp_path / "evil.pt")!r})
loader = import_ultralytics()
assert PIL.Image.open.__module__ == "PIL.Image"
try:
    loader.YOLO({str(tmp_path / "evil.pt")!r})
except Exception as error:
    assert "outside the supported" in str(error), error
else:
    raise SystemExit("it was loaded")
"""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("YOLO_", "ULTRALYTICS_"))}
    clean |= {"YOLO_OFFLINE": "true", "DJANGO_SETTINGS_MODULE": "annotation_platform.settings"}
    code = "import django; django.setup()" + code
    subprocess.run([sys.executable, "-c", code], env=clean, check=True, timeout=120)
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
