"""SAM 3 on the demo's small checkpoint: ultralytics' own classes and predictor, prompted by words."""

from __future__ import annotations

import gc
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotation_platform.demo.scenes import LABELS, Scene, demo_scenes
from annotation_platform.demo.score import Found, Score, score_image
from autolabel.exceptions import ModelUnavailable
from autolabel.inference.clip_tokenizer import clip_module
from autolabel.inference.registry import build_predictor, missing_weights
from autolabel.inference.sam3 import Sam3Predictor

from .small_models import SAM3, best_ious, pixels, small_sam3

FLOOR = 0.05
THRESHOLD = 0.5


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return list(demo_scenes(count=6))


@pytest.fixture(scope="module")
def sam3() -> Sam3Predictor:
    return Sam3Predictor(small_sam3())


def passes(module: Any) -> list[int]:
    """Grows by one with every pass through the module."""
    seen: list[int] = []
    module.register_forward_hook(lambda *_: seen.append(1))
    return seen


def test_it_finds_what_words_name(sam3: Sam3Predictor, scenes: list[Scene]) -> None:
    total, overlaps = Score(), []
    for scene in scenes:
        shapes = [s for s in sam3.predict_batch([pixels(scene)], LABELS, FLOOR)[0] if s.score >= THRESHOLD]
        truth = [Found(thing.label, thing.bbox_xyxy) for thing in scene.objects]
        total += score_image([Found(shape.label, shape.bbox_xyxy, shape.score) for shape in shapes], truth)
        overlaps += best_ious(shapes, scene)
    assert total.precision >= 0.75
    assert total.recall >= 0.75
    assert np.mean(overlaps) >= 0.7


def test_it_finds_only_what_it_is_asked_for(sam3: Sam3Predictor, scenes: list[Scene]) -> None:
    assert sam3.info.labels is None
    found = sam3.predict_batch([pixels(scene) for scene in scenes], ["gear"], 0.3)
    assert {shape.label for shapes in found for shape in shapes} == {"gear"}


def test_without_words_there_is_nothing_to_find(sam3: Sam3Predictor, scenes: list[Scene]) -> None:
    assert sam3.predict_batch([pixels(scenes[0])], [], FLOOR) == [[]]
    assert sam3.predict_batch([pixels(scenes[0])], [" ", ""], FLOOR) == [[]]
    assert sam3.predict_batch([], LABELS, FLOOR) == []


def test_a_ring_has_a_hole(sam3: Sam3Predictor, scenes: list[Scene]) -> None:
    washers = [s for scene in scenes for s in sam3.predict_batch([pixels(scene)], ["washer"], THRESHOLD)[0]]
    assert any(len(rings) > 1 for shape in washers for rings in shape.polygons or ())


def test_shapes_come_best_first_inside_the_image_and_hold_the_bounds_of_their_polygons(
    sam3: Sam3Predictor, scenes: list[Scene]
) -> None:
    shapes = sam3.predict_batch([pixels(scenes[0])], LABELS, 0.1)[0]
    assert shapes
    assert [shape.score for shape in shapes] == sorted((shape.score for shape in shapes), reverse=True)
    for shape in shapes:
        assert 0.1 <= shape.score <= 1
        assert shape.polygons
        points = [point for exterior, *_ in shape.polygons for point in exterior]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        assert shape.bbox_xyxy == (min(xs), min(ys), max(xs), max(ys))
        assert 0 <= min(xs) < max(xs) <= 640
        assert 0 <= min(ys) < max(ys) <= 480


def test_at_most_so_many_are_kept_the_best_of_all_words(scenes: list[Scene]) -> None:
    every = Sam3Predictor(small_sam3()).predict_batch([pixels(scenes[0])], LABELS, FLOOR)[0]
    few = Sam3Predictor(small_sam3(max_predictions=3)).predict_batch([pixels(scenes[0])], LABELS, FLOOR)[0]
    assert few == every[:3]


def test_an_image_is_encoded_once_and_words_once_for_all_images(scenes: list[Scene]) -> None:
    sam3 = Sam3Predictor(small_sam3(options={"concept_batch": 3}))
    backbone = sam3._predictor.model.backbone
    images, words, grounded = (
        passes(backbone.vision_backbone.trunk),
        passes(backbone.language_backbone),
        passes(sam3._predictor.model.transformer.encoder),
    )
    sam3.predict_batch([pixels(scenes[0]), pixels(scenes[1])], [f"part {number}" for number in range(8)], FLOOR)
    assert (len(images), len(words), len(grounded)) == (2, 3, 6)
    sam3.predict_batch([pixels(scenes[2])], ["another"], FLOOR)
    assert (len(images), len(words), len(grounded)) == (3, 4, 7)


def test_batches_of_words_change_nothing(sam3: Sam3Predictor, scenes: list[Scene]) -> None:
    one_by_one = Sam3Predictor(small_sam3(options={"concept_batch": 1}))
    together, alone = (model.predict_batch([pixels(scenes[0])], LABELS, 0.3)[0] for model in (sam3, one_by_one))
    assert [shape.label for shape in together] == [shape.label for shape in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-3)
        assert one.bbox_xyxy == pytest.approx(other.bbox_xyxy, abs=0.5)


def test_eighty_words_are_no_difficulty(scenes: list[Scene]) -> None:
    sam3 = Sam3Predictor(small_sam3(max_predictions=10_000))
    words = [*(f"thing number {number}" for number in range(76)), *LABELS]
    among_many = sam3.predict_batch([pixels(scenes[0])], words, 0.5)[0]
    alone = sam3.predict_batch([pixels(scenes[0])], LABELS, 0.5)[0]
    known = [shape for shape in among_many if shape.label in LABELS]
    assert [shape.label for shape in known] == [shape.label for shape in alone]
    assert [shape.score for shape in known] == pytest.approx([shape.score for shape in alone], abs=1e-3)


def test_where_memory_runs_out_fewer_words_go_at_once(scenes: list[Scene], monkeypatch: pytest.MonkeyPatch) -> None:
    sam3 = Sam3Predictor(small_sam3())
    model = sam3._predictor.model
    images, sizes, real = passes(model.backbone.vision_backbone.trunk), [], model.forward_grounding

    def small(**arguments: Any) -> Any:
        sizes.append(len(arguments["text_ids"]))
        if sizes[-1] > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(**arguments)

    monkeypatch.setattr(model, "forward_grounding", small)
    fewer = sam3.predict_batch([pixels(scenes[0])], LABELS, 0.3)[0]
    monkeypatch.undo()
    once = Sam3Predictor(small_sam3()).predict_batch([pixels(scenes[0])], LABELS, 0.3)[0]
    assert [shape.label for shape in fewer] == [shape.label for shape in once]
    assert [shape.score for shape in fewer] == pytest.approx([shape.score for shape in once], abs=1e-3)
    assert max(sizes) == len(LABELS)
    assert sizes[-1] <= 2
    assert images == [1]


def test_the_same_image_gives_the_same_shapes_alone_and_in_a_batch(sam3: Sam3Predictor, scenes: list[Scene]) -> None:
    images = [pixels(scene) for scene in scenes[:3]]
    together = sam3.predict_batch(images, LABELS, FLOOR)
    assert together == [sam3.predict_batch([image], LABELS, FLOOR)[0] for image in images]


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (9000, 3), (33, 1500)])
def test_odd_sizes_are_no_error(sam3: Sam3Predictor, size: tuple[int, int]) -> None:
    height, width = size
    image = np.full((height, width, 3), 128, np.uint8)
    for shape in sam3.predict_batch([image], LABELS, 0.0)[0]:
        x_min, y_min, x_max, y_max = shape.bbox_xyxy
        assert 0 <= x_min < x_max <= width
        assert 0 <= y_min < y_max <= height


def test_it_writes_no_files(
    sam3: Sam3Predictor, scenes: list[Scene], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Sam3Predictor(small_sam3()).predict_batch([pixels(scenes[0])], LABELS, FLOOR)
    assert list(tmp_path.iterdir()) == []


def test_all_cores_compute(sam3: Sam3Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    threads = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    Sam3Predictor(small_sam3())
    assert torch.get_num_threads() == 2
    torch.set_num_threads(threads)


def test_an_image_size_that_is_no_multiple_of_the_stride_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="IMAGE_SIZE of 'sam3' is 650; give a multiple of its stride, 16"):
        build_predictor(small_sam3(image_size=650))


def test_a_published_file_is_taken_with_its_tracker_and_tables(tmp_path: Path) -> None:
    """As Meta lays out sam3.pt: two models side by side, and tables of the detector that are computed anew."""
    import torch

    tensors = torch.load(SAM3, weights_only=True)
    detector = {f"detector.{name.removeprefix('detector.')}": value for name, value in tensors.items()}
    beside = {
        "tracker.memory.weight": torch.zeros(3),
        "detector.geometry_encoder.points_direct_project.weight": torch.zeros(3),
        "detector.backbone.vision_backbone.trunk.blocks.0.attn.freqs_cis": torch.zeros(3, dtype=torch.complex64),
    }
    torch.save({"model": {**detector, **beside}}, tmp_path / "sam3.pt")
    assert build_predictor(small_sam3(tmp_path / "sam3.pt")).info.labels is None


def test_without_weights_it_says_how_to_get_them() -> None:
    import dataclasses

    reason = missing_weights(dataclasses.replace(small_sam3(), weights=None))
    assert "licensed by Meta" in reason
    assert "WEIGHTS" in reason
    assert "SHA256" in reason


@pytest.mark.parametrize(("module", "package"), [("open_clip.tokenizer", "open_clip_torch"), ("timm", "timm")])
def test_a_package_that_the_full_size_needs_is_named(
    module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModelUnavailable, match=f"pip install {package}"):
        build_predictor(small_sam3(options={"architecture": "sam3"}, image_size=1008))


def test_ultralytics_own_loader_never_touches_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its builder reads the file itself, as a pickle that may run code, and takes whatever fits."""
    from ultralytics.models.sam import build_sam3

    def builder(checkpoint_path: str) -> Any:
        import clip

        assert clip.simple_tokenizer.SimpleTokenizer()("a photo of a cat", context_length=8).shape == (1, 8)
        from annotation_platform.demo.small_sam3 import build_small_sam3

        return build_sam3._load_checkpoint(build_small_sam3(), checkpoint_path)

    own = build_sam3._load_checkpoint
    monkeypatch.setattr(build_sam3, "build_sam3_image_model", builder)
    build_predictor(small_sam3(options={"architecture": "sam3"}))
    assert build_sam3._load_checkpoint is own
    assert "clip" not in sys.modules


def test_words_become_the_tokens_of_clip() -> None:
    with clip_module():
        import clip

        tokens = clip.simple_tokenizer.SimpleTokenizer()(["A photo of a cat"], context_length=10)
    assert tokens.tolist() == [[49406, 320, 1125, 539, 320, 2368, 49407, 0, 0, 0]]


def test_its_memory_is_released(scenes: list[Scene]) -> None:
    sam3 = Sam3Predictor(small_sam3())
    sam3.predict_batch([pixels(scenes[0])], LABELS, FLOOR)
    model = weakref.ref(sam3._predictor.model)
    del sam3
    gc.collect()
    assert model() is None
