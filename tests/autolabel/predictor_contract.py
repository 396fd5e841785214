"""What every predictor must do: one suite, run against each there is, the fake of the tests included.

A predictor's class in test_predictor_contract.py subclasses `PredictorContract` and names its spec. One that finds the
demo's hardware subclasses `SightContract`, which also looks at where the objects are found.
"""

from __future__ import annotations

import gc
import io
import math
import weakref
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import pytest
from django.conf import settings
from django.test import override_settings
from PIL import Image
from shapely import MultiPolygon, Polygon

from annotation_platform.demo.scenes import LABELS, Scene, make_scene
from annotation_platform.demo.score import Found, Score, box_iou, score_image
from autolabel.inference import registry
from autolabel.inference.base import BoxPredictor, ModelSpec, Predictor
from autolabel.inference.images import decode_image
from autolabel.shapes import Box, BoxPrompt, Shape

__all__ = ["PredictorContract", "SightContract"]

FLOOR = 0.05
ROTATED_CLOCKWISE = 6  # of EXIF orientation: turn by 90° clockwise to see it upright
SCENE = 20_001
LARGE = 12  # times the size of a scene: 44 megapixels
Window = tuple[int, int, int, int]
WINDOWS = [(0, 0, 640, 240), (0, 240, 640, 480), (0, 0, 280, 480), (360, 0, 640, 480)]


def plain(width: int, height: int, grey: int = 90) -> np.ndarray:
    return np.full((height, width, 3), grey, np.uint8)


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


@cache
def scene_of(seed: int) -> Scene:
    return make_scene(seed)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image)


def sideways_jpeg(image: Image.Image) -> bytes:
    """A photo as a camera held sideways writes it: the pixels lie on their side, a tag says how to turn them."""
    exif = Image.Exif()
    exif[0x0112] = ROTATED_CLOCKWISE
    file = io.BytesIO()
    image.rotate(90, expand=True).save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue()


def assert_well_formed(shapes: Sequence[Shape], image: np.ndarray, predictor: Predictor, floor: float = FLOOR) -> None:
    height, width = image.shape[:2]
    scores = [shape.score for shape in shapes]
    assert scores == sorted(scores, reverse=True)
    assert all(floor <= score <= 1 for score in scores)
    for shape in shapes:
        assert shape.kind in predictor.info.kinds
        assert_inside(shape.bbox_xyxy, width, height)
        if shape.polygons is not None:
            assert_valid_outline(shape)


def assert_inside(box: Box, width: int, height: int) -> None:
    x_min, y_min, x_max, y_max = box
    assert all(math.isfinite(value) for value in box)
    assert 0 <= x_min < x_max <= width
    assert 0 <= y_min < y_max <= height


def assert_valid_outline(shape: Shape) -> None:
    """Polygons that no database refuses, with the shape's box as their bounds."""
    outline = MultiPolygon([Polygon(rings[0], rings[1:]) for rings in shape.polygons or ()])
    assert outline.is_valid
    assert outline.area > 0
    assert outline.bounds == pytest.approx(shape.bbox_xyxy, abs=0.02)
    assert all(len(ring) <= 80 for rings in shape.polygons or () for ring in rings)


def assert_alike(some: Sequence[Shape], others: Sequence[Shape]) -> None:
    """The same objects, but for what the last digits of a sum change; near the floor one may be missing."""
    clear = [shape for shape in some if shape.score >= 2 * FLOOR]
    for shape in clear:
        near = max(
            (other for other in others if other.label == shape.label),
            key=lambda o: box_iou(o.bbox_xyxy, shape.bbox_xyxy),
        )
        assert near.score == pytest.approx(shape.score, abs=0.01)
        assert near.bbox_xyxy == pytest.approx(shape.bbox_xyxy, abs=1.0)
    assert abs(len(some) - len(others)) <= max(1, len(some) // 10)


class PredictorContract:
    """Give it a `spec`; `labels` are a project's, as a job hands them over."""

    labels: tuple[str, ...] = LABELS

    @classmethod
    def make_spec(cls) -> ModelSpec:
        raise NotImplementedError

    def example(self) -> np.ndarray:
        """An image on which the model finds something."""
        return pixels(scene_of(SCENE).image)

    def stranger(self, width: int, height: int) -> np.ndarray:
        """An image of that size; whatever is found on it."""
        return noise(width, height)

    @pytest.fixture(scope="class")
    @classmethod
    def spec(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelSpec]:
        """The spec, while settings name a cache folder of the tests' own."""
        folder = tmp_path_factory.getbasetemp() / "engines"
        with override_settings(AUTOLABEL={**settings.AUTOLABEL, "CACHE_DIR": folder}):
            yield cls.make_spec()

    @pytest.fixture(scope="class")
    @classmethod
    def predictor(cls, spec: ModelSpec) -> Iterator[Predictor]:
        yield registry.build_predictor(spec)
        gc.collect()

    # What it says of itself

    def test_it_describes_itself(self, predictor: Predictor, spec: ModelSpec) -> None:
        info = predictor.info
        assert info.name
        assert info.version
        assert len(info.weights_sha256) == 64
        assert info.kinds
        assert set(info.kinds) <= {"box", "polygon"}
        assert info.labels is None or len(set(info.labels)) == len(info.labels) > 0
        assert info.engine
        assert info.device
        assert info.precision in ("fp32", "fp16")
        if spec.sha256:
            assert info.weights_sha256 == spec.sha256

    def test_it_takes_boxes_if_and_only_if_it_says_so(self, predictor: Predictor) -> None:
        assert isinstance(predictor, BoxPredictor) == predictor.info.takes_boxes

    def test_it_names_shapes_by_its_own_classes_or_by_the_words_it_was_given(self, predictor: Predictor) -> None:
        known = predictor.info.labels if predictor.info.labels is not None else self.labels
        shapes = predictor.predict_batch([self.example()], self.labels, FLOOR)[0]
        assert shapes
        assert {shape.label for shape in shapes} <= set(known)

    # What it answers

    def test_no_images_are_no_results(self, predictor: Predictor) -> None:
        assert predictor.predict_batch([], self.labels, FLOOR) == []

    @pytest.mark.parametrize(
        ("width", "height"), [(1, 1), (2, 900), (900, 2), (40, 30), (200, 700), (700, 200), (333, 251)]
    )
    def test_it_takes_images_of_any_size(self, predictor: Predictor, width: int, height: int) -> None:
        image = self.stranger(width, height)
        answers = predictor.predict_batch([image], self.labels, FLOOR)
        assert len(answers) == 1
        assert_well_formed(answers[0], image, predictor)

    def test_a_batch_may_mix_sizes_and_keeps_its_order(self, predictor: Predictor) -> None:
        images = [self.stranger(50, 200), self.example(), self.stranger(1, 1), self.example()]
        answers = predictor.predict_batch(images, self.labels, FLOOR)
        assert len(answers) == len(images)
        for shapes, image in zip(answers, images, strict=True):
            assert_well_formed(shapes, image, predictor)
        assert answers[1]
        assert_alike(answers[1], answers[3])

    def test_an_image_has_the_same_result_alone_and_in_a_batch(self, predictor: Predictor) -> None:
        image = self.example()
        alone = predictor.predict_batch([image], self.labels, FLOOR)[0]
        together = predictor.predict_batch([self.stranger(90, 300), image, self.stranger(300, 90)], self.labels, FLOOR)[
            1
        ]
        assert_alike(alone, together)
        assert_alike(together, alone)

    def test_it_says_the_same_twice(self, predictor: Predictor) -> None:
        image = self.example()
        first, second = (predictor.predict_batch([image], self.labels, FLOOR) for _ in range(2))
        assert first == second

    def test_the_order_of_the_labels_changes_nothing(self, predictor: Predictor) -> None:
        image = self.example()
        one = predictor.predict_batch([image], self.labels, FLOOR)[0]
        other = predictor.predict_batch([image], self.labels[::-1], FLOOR)[0]
        assert_alike(one, other)
        assert_alike(other, one)

    def test_a_higher_floor_leaves_out_the_worse_and_changes_nothing_else(self, predictor: Predictor) -> None:
        image = self.example()
        everything = predictor.predict_batch([image], self.labels, FLOOR)[0]
        better = predictor.predict_batch([image], self.labels, 0.5)[0]
        assert_well_formed(better, image, predictor, floor=0.5)
        assert_alike([shape for shape in everything if shape.score >= 0.51], better)

    def test_it_leaves_the_images_as_they_were(self, predictor: Predictor) -> None:
        image = self.example().copy()
        before = image.copy()
        image.setflags(write=False)  # as images come from the decoder
        predictor.predict_batch([image], self.labels, FLOOR)
        assert np.array_equal(image, before)

    # Masks for boxes

    def test_a_mask_of_a_box_answers_its_prompt(self, predictor: Predictor) -> None:
        if not isinstance(predictor, BoxPredictor):
            assert not predictor.info.takes_boxes
            return
        image = self.example()
        prompts = [
            BoxPrompt(f"a{n}", "thing", box)
            for n, box in enumerate([(40.0, 40.0, 160.0, 150.0), (5.0, 5.0, 25.0, 25.0)])
        ]
        empty, found = predictor.predict_masks([image, image], [[], prompts])
        assert empty == []
        assert {shape.source for shape in found} <= {"a0", "a1"}
        for shape in found:
            assert shape.label == "thing"
            assert_inside(shape.bbox_xyxy, image.shape[1], image.shape[0])
            assert_valid_outline(shape)

    # Memory

    def test_its_memory_is_given_back_when_it_is_unloaded(self, spec: ModelSpec) -> None:
        held = registry.load_predictor(spec)
        assert registry.load_predictor(spec) is held
        held.predict_batch([self.example()], self.labels, FLOOR)
        watched = [weakref.ref(part) for part in [held, *vars(held).values()] if hasattr(part, "__weakref__")]
        del held
        registry.unload()
        assert registry.warm_spec() is None
        gc.collect()
        assert [ref() for ref in watched if ref() is not None] == []


class SightContract(PredictorContract):
    """For a model that finds the demo's hardware. `recall` is the share of objects that it must find, at an IoU of 0.5
    of their boxes; `threshold` the score from which on a shape counts.
    """

    recall = 0.75
    threshold = 0.5
    # Whether the model sees every image stretched to a square; such a one knows no objects but in the scenes' format.
    stretches = False

    @pytest.fixture(scope="class")
    @classmethod
    def scene(cls) -> Scene:
        return scene_of(SCENE)

    @pytest.fixture(scope="class")
    @classmethod
    def truth(cls, scene: Scene) -> list[Found]:
        return [Found(thing.label, thing.bbox_xyxy) for thing in scene.objects]

    def assert_found(self, predictor: Predictor, *examples: tuple[np.ndarray, list[Found]]) -> None:
        images = [image for image, _ in examples]
        total = Score()
        for shapes, (image, truth) in zip(predictor.predict_batch(images, self.labels, FLOOR), examples, strict=True):
            assert_well_formed(shapes, image, predictor)
            found = [Found(s.label, s.bbox_xyxy, s.score) for s in shapes if s.score >= self.threshold]
            total += score_image(found, truth)
        assert total.true_positives + total.missed >= 3
        assert total.recall >= self.recall

    def test_it_finds_objects_where_they_are(self, predictor: Predictor, scene: Scene, truth: list[Found]) -> None:
        self.assert_found(predictor, (pixels(scene.image), truth))

    def test_it_finds_them_on_a_photo_that_exif_turns(
        self, predictor: Predictor, scene: Scene, truth: list[Found]
    ) -> None:
        decoded = decode_image(io.BytesIO(sideways_jpeg(scene.image)))
        assert (decoded.width, decoded.height, decoded.rotated) == (640, 480, True)
        self.assert_found(predictor, (decoded.pixels(), truth))

    @pytest.mark.parametrize("window", WINDOWS, ids=["upper", "lower", "left", "right"])
    def test_it_finds_them_on_wide_and_tall_images(self, predictor: Predictor, window: Window) -> None:
        self.assert_found(predictor, *(squeezed(window) if self.stretches else cut_outs(window)))

    def test_it_finds_them_on_44_megapixels(self, predictor: Predictor, scene: Scene, truth: list[Found]) -> None:
        large = scene.image.resize((640 * LARGE, 480 * LARGE), Image.Resampling.BILINEAR)
        scaled = [Found(one.label, tuple(LARGE * value for value in one.bbox_xyxy)) for one in truth]  # type: ignore[arg-type]
        self.assert_found(predictor, (pixels(large), scaled))

    def test_a_photo_without_colors_is_no_obstacle(
        self, predictor: Predictor, scene: Scene, truth: list[Found]
    ) -> None:
        grey = pixels(scene.image.convert("L").convert("RGB"))
        shapes = predictor.predict_batch([grey], self.labels, FLOOR)[0]
        assert_well_formed(shapes, grey, predictor)
        assert score_image([Found(s.label, s.bbox_xyxy, s.score) for s in shapes], truth).recall >= 0.5

    def test_nothing_is_found_where_nothing_is(self, predictor: Predictor) -> None:
        for grey in (0, 114, 255):
            shapes = predictor.predict_batch([plain(640, 480, grey)], self.labels, FLOOR)[0]
            assert [shape for shape in shapes if shape.score >= self.threshold] == []


def squeezed(window: Window) -> list[tuple[np.ndarray, list[Found]]]:
    """The whole scene in the format of the window, so that a network that stretches it sees what it knows."""
    width, height = window[2] - window[0], window[3] - window[1]
    scene = scene_of(SCENE)
    x, y = width / scene.image.width, height / scene.image.height
    truth = [
        Found(thing.label, (x0 * x, y0 * y, x1 * x, y1 * y))
        for thing in scene.objects
        for x0, y0, x1, y1 in [thing.bbox_xyxy]
    ]
    return [(pixels(scene.image.resize((width, height), Image.Resampling.BICUBIC)), truth)]


def cut_outs(window: Window) -> list[tuple[np.ndarray, list[Found]]]:
    """That part of each of some scenes, with the objects that lie wholly in it."""
    left, top, right, bottom = window
    found = []
    for scene in map(scene_of, range(SCENE, SCENE + 5)):
        inside = [
            Found(thing.label, (x0 - left, y0 - top, x1 - left, y1 - top))
            for thing in scene.objects
            for x0, y0, x1, y1 in [thing.bbox_xyxy]
            if x0 >= left and y0 >= top and x1 <= right and y1 <= bottom
        ]
        found.append((pixels(scene.image.crop(window)), inside))
    return found
