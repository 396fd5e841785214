"""The demo's small models: what they learn from, what they are trained to minimise, and the files that are shipped."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor

from annotation_platform.demo.scenes import LABELS, Scene, SceneObject, make_scene
from annotation_platform.demo.small_sam import build_small_sam
from annotation_platform.demo.small_sam3 import VOCABULARY, WordTokenizer, build_small_sam3, cut_to_boxes
from annotation_platform.demo.train import parse
from annotation_platform.demo.training import loop, sam, sam3, sam3_data, sam_data
from annotation_platform.demo.training.data import make_splits, more_training, read_sample, render
from annotation_platform.demo.training.masks import iou, rasterise
from annotation_platform.demo.training.outlines import one_outline
from annotation_platform.demo.training.sam3_loss import match_queries
from annotation_platform.demo.training.traces import refuse_machine_traces
from annotation_platform.demo.training.yolo_masks import coverage

DEMO = Path(sam.__file__).parents[1]
WEIGHTS = sorted((DEMO / "weights").iterdir())
SEEDS = range(100_001, 100_004)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    render(SEEDS, folder)
    return folder


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(SEEDS[0])


@pytest.fixture(autouse=True)
def few_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def ring(left: float, top: float, right: float, bottom: float) -> tuple[tuple[float, float], ...]:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


FRAMES = SceneObject(
    "nut",
    ((ring(10, 10, 60, 60), ring(20, 20, 30, 30), ring(40, 40, 50, 50)), (ring(100, 10, 140, 60),)),
)


def test_it_refuses_further_scenes_that_another_split_holds() -> None:
    with pytest.raises(ValueError, match="include those of the val split"):
        more_training(50, make_splits(108_600, 1_400))


def test_a_rendered_scene_is_read_back_with_the_same_truth(folder: Path, scene: Scene) -> None:
    sample = read_sample(folder, SEEDS[0])
    assert sample.objects == scene.objects
    assert sample.image.shape == (480, 640, 3)


def test_it_draws_no_scene_twice(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    render(SEEDS, folder)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_mask_leaves_the_holes_out_and_covers_every_part() -> None:
    mask = rasterise(FRAMES)
    assert mask.sum() == 50 * 50 - 2 * 100 + 40 * 50
    assert not mask[25, 25]
    assert mask[30, 120]


def test_one_outline_covers_what_many_rings_cover() -> None:
    drawn = coverage(one_outline(FRAMES), (640, 480), (640, 480)) > 0.5
    assert iou(drawn, rasterise(FRAMES)) > 0.97


def test_one_outline_keeps_the_holes_of_real_objects(scene: Scene) -> None:
    for item in scene.objects:
        drawn = coverage(one_outline(item), (640, 480), (640, 480)) > 0.5
        assert iou(drawn, rasterise(item)) > 0.93, item.label


def test_a_word_it_does_not_know_is_the_unknown_word() -> None:
    known, plural, unknown, other = WordTokenizer()(["Washer", "washers", "zebra", "bus"])
    assert torch.equal(known, plural)
    assert torch.equal(unknown, other)
    assert not torch.equal(known, unknown)


def test_a_long_prompt_is_cut_and_stays_in_the_vocabulary() -> None:
    tokens = WordTokenizer()("the washer beside " * 20)
    assert tokens.shape == (1, 8)
    assert int(tokens.max()) < VOCABULARY


def test_a_mask_of_the_small_sam3_ends_at_its_box() -> None:
    masks = cut_to_boxes(torch.ones(1, 1, 40, 80), torch.tensor([[[0.5, 0.25, 0.25, 0.5]]]))
    y, x = (masks[0, 0] > 0).nonzero().T
    assert (int(y.min()), int(y.max())) == (0, 22)  # half of 40 rows, 8% and one row more
    assert (int(x.min()), int(x.max())) == (27, 52)  # a quarter of 80 columns round the middle
    assert float(masks.max()) == 1.0


def test_mirrored_scenes_keep_boxes_and_masks_together_for_sam(folder: Path) -> None:
    learned = sam_data.load_scenes(folder, SEEDS)[0]
    for seed in range(12):
        turned = sam_data.augment(learned, Random(seed))
        for box, mask in zip(turned.boxes, turned.masks, strict=True):
            assert torch.allclose(box / 2, bounds(mask), atol=1.5)


def test_mirrored_scenes_keep_boxes_and_masks_together_for_sam3(folder: Path) -> None:
    learned = sam3_data.load_scenes(folder, SEEDS)[0]
    for seed in range(12):
        turned = sam3_data.augment(learned, Random(seed))
        for (x, y, width, height), mask in zip(turned.boxes.tolist(), turned.masks, strict=True):
            box = torch.tensor([x - width / 2, y - height / 2, x + width / 2, y + height / 2]) * mask.shape[-1]
            assert torch.allclose(box, bounds(mask), atol=1.5)


def bounds(mask: torch.Tensor) -> torch.Tensor:
    y, x = (mask > 0).nonzero().T
    return torch.tensor([x.min(), y.min(), x.max() + 1, y.max() + 1]).float()


def test_every_scene_is_asked_for_something_that_it_does_not_show() -> None:
    for seed in range(50):
        prompts = sam3_data.choose_prompts({0, 2}, Random(seed))
        assert [label for _, label in prompts].count(-1) == 1
        assert all(text in sam3_data.TEXTS for text, _ in prompts)


def test_each_object_gets_a_query_of_its_own() -> None:
    truth = torch.tensor([[0.2, 0.2, 0.1, 0.1], [0.8, 0.8, 0.1, 0.1]])
    answers = torch.tensor([[0.8, 0.8, 0.1, 0.1], [0.5, 0.5, 0.1, 0.1], [0.2, 0.2, 0.1, 0.1]])
    match = match_queries(torch.zeros(2, 3), answers.expand(2, -1, -1), [truth, torch.zeros(0, 4)])
    assert sorted(zip(match.queries.tolist(), match.objects.tolist(), strict=True)) == [(0, 1), (2, 0)]
    assert match.prompts.tolist() == [0, 0]


def test_sam_is_trained_on_what_the_library_predicts(folder: Path) -> None:
    model = load(build_small_sam(), "hardware-sam.pth")
    sample, learned = read_sample(folder, SEEDS[0]), sam_data.load_scenes(folder, [SEEDS[0]])[0]
    asked = sam_data.Asked(learned.image.float(), learned.boxes, learned.masks.float() / 255, learned.boxes, None)
    with torch.no_grad():
        logits, scores = sam.answer(model, [asked])
        predictor = SamPredictor(model)
        predictor.set_image(sample.image)
        _, theirs, low = predictor.predict_torch(None, None, boxes=learned.boxes, multimask_output=False)
    rows = learned.masks.shape[1]
    assert iou((logits[:, 0, :rows] > 0).numpy(), (low[:, 0, :rows] > 0).numpy()) > 0.98  # bfloat16 beside float32
    assert torch.allclose(scores[:, :1], theirs, atol=0.03)


def test_sam3_is_trained_on_what_the_library_predicts(folder: Path) -> None:
    model = load(build_small_sam3(), "hardware-sam3.pt", "detector.")
    batch = sam3_data.make_batch(sam3_data.load_scenes(folder, [SEEDS[0]]), Random(0))
    with torch.no_grad():
        answers = sam3.answer(model, batch)
        model.set_classes(list(sam3_data.TEXTS))
        theirs = model.forward_grounding(model.backbone.forward_image(batch.images), batch.text_of)
    assert torch.allclose(answers.logits[-1].sigmoid(), theirs["pred_logits"][..., 0].sigmoid(), atol=0.1)
    assert torch.allclose(answers.boxes[-1], theirs["pred_boxes"], atol=0.03)
    assert torch.allclose(answers.presence[-1].sigmoid(), theirs["presence_logit_dec"].flatten().sigmoid(), atol=0.1)


def load(model: torch.nn.Module, name: str, prefix: str = "") -> torch.nn.Module:
    state = torch.load(DEMO / "weights" / name, weights_only=True)
    model.load_state_dict({key.removeprefix(prefix): tensor for key, tensor in state.items()})
    return model


def test_an_interrupted_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first, figures = loop.run(toy_task(), loop.Schedule(0.005, tmp_path / "state.pt"))
    again, later = loop.run(toy_task(), loop.Schedule(0.005, tmp_path / "state.pt"))
    assert later == figures
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def toy_task() -> loop.Task[torch.Tensor]:
    model = torch.nn.Linear(1, 1)
    stream = iter(lambda: torch.rand(8, 1), None)
    return loop.Task(
        model,
        [{"params": list(model.parameters()), "peak": 1e-2}],
        lambda _step: stream,
        lambda batch: {"square": ((model(batch) - 2 * batch) ** 2).mean()},
        lambda _averaged: {},
    )


def test_the_command_knows_each_model_and_its_defaults(tmp_path: Path) -> None:
    options = parse(["sam3", "--out", str(tmp_path)])
    assert (options.minutes, options.more, options.data) == (55, 2600, tmp_path / "scenes")
    assert parse(["yolo-seg", "--out", str(tmp_path)]).epochs == 12


def test_a_file_that_names_this_machine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="still names this machine"):
        refuse_machine_traces(f"weights of {Path.cwd()}".encode(), tmp_path / "best.pt")


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda path: path.name)
def test_shipped_weights_are_small_and_anonymous_and_their_card_knows_them(weights: Path) -> None:
    content = weights.read_bytes()
    assert len(content) < 4_000_000
    refuse_machine_traces(content, weights)
    assert hashlib.sha256(content).hexdigest() in (DEMO / "MODEL_CARD.md").read_text()


def test_all_four_models_are_shipped() -> None:
    assert [path.name for path in WEIGHTS] == [
        "hardware-sam.pth",
        "hardware-sam3.pt",
        "hardware-yolo-seg.pt",
        "hardware-yolo.pt",
    ]


def test_the_small_sam_masks_every_part_and_hole_from_true_boxes(folder: Path) -> None:
    figures = sam.evaluate(load(build_small_sam(), "hardware-sam.pth"), [read_sample(folder, seed) for seed in SEEDS])
    assert figures["mean_iou"] > 0.8


def test_the_small_sam3_answers_a_word_it_never_saw_with_nothing(folder: Path) -> None:
    predictor = sam3.MemoryPredictor(load(build_small_sam3(), "hardware-sam3.pt", "detector."))
    image = np.ascontiguousarray(read_sample(folder, SEEDS[0]).image[..., ::-1])
    assert len(predictor(source=image, text=["zebra"])[0]) == 0
    assert len(predictor(source=image, text=list(LABELS))[0]) > 0
