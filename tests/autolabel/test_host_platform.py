"""The platform keeps the contract, with its own rows and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone

from annotation_platform import review
from annotation_platform.autolabel_host import PlatformHost
from annotation_platform.models import Annotation, Item
from annotation_platform.models import Project as ProjectRow
from annotation_platform.uploads import create_item
from autolabel.hosts.base import Draft, ItemDrafts, JobRef, Project, Scope
from autolabel.shapes import Box, Shape
from tests.factories import SQUARE, make_item, make_manual, make_member, make_project, make_user

from .fakes import picture
from .host_contract_later_masks import WholeContract


class PlatformWorld:
    def __init__(self) -> None:
        self.host = PlatformHost()
        self.manager, self.viewer, self.stranger = make_user(), make_user(), make_user()

    def make_project(self, labels: tuple[str, ...] = ("bolt", "nut")) -> Project:
        row = make_project(labels=labels, members={self.manager: "manager", self.viewer: "viewer"})
        return Project(row.uid, row.name)

    def make_item(self, project: Project, data: bytes | None = None) -> str:
        row = ProjectRow.objects.get(uid=project.uid)
        return create_item(row, ContentFile(data or picture()), name="part.png").uid

    def delete_project(self, project: Project) -> None:
        ProjectRow.objects.get(uid=project.uid).delete()

    def delete_item(self, item_uid: str) -> None:
        _item(item_uid).delete()

    def lose_file(self, item_uid: str) -> None:
        image = _item(item_uid).image
        image.storage.delete(image.name)

    def lose_storage(self) -> None:
        """Its disk is not mounted: an empty folder is in its place."""
        _media().rename(_media("elsewhere"))
        _media().mkdir()

    def find_storage(self) -> None:
        _media().rmdir()
        _media("elsewhere").rename(_media())

    def label_by_hand(self, item_uid: str) -> None:
        review.add(_item(item_uid), self.manager, "bolt", box=(1, 1, 9, 9))

    def finish(self, item_uid: str) -> None:
        review.finish(_item(item_uid), self.manager)

    def flag(self, item_uid: str) -> None:
        review.flag(_item(item_uid), self.manager)

    def is_finished(self, item_uid: str) -> bool:
        return _item(item_uid).state == Item.State.DONE

    def accept_box(self, item_uid: str, bbox: Box) -> str:
        return review.add(_item(item_uid), self.manager, "bolt", box=bbox).uid

    def discard_box(self, item_uid: str, ref: str) -> None:
        box = Annotation.objects.get(uid=ref)
        review.apply(box.item, self.manager, [review.Change(ref, box.version, status="discarded")])

    def decide(self, item_uid: str, prediction_uid: str, verdict: str) -> None:
        draft = Annotation.objects.get(item__uid=item_uid, prediction_uid=prediction_uid)
        moved: dict[str, Any] = (
            {"polygons": [[[[3, 3], [13, 3], [13, 13]]]]} if draft.polygons else {"box": (3, 3, 13, 13)}
        )
        wish = moved if verdict == "edited" else {"status": verdict}
        review.apply(draft.item, self.manager, [review.Change(draft.uid, draft.version, **wish)])

    def drafts(self, item_uid: str) -> dict[str, Shape]:
        drafts = Annotation.objects.drafts().filter(item__uid=item_uid).select_related("label")
        return {
            draft.prediction_uid: Shape(
                draft.label.name, draft.score, draft.bbox_xyxy, _tuples(draft.polygons), draft.replaces
            )
            for draft in drafts
        }

    def annotations(self, item_uid: str) -> int:
        return Annotation.objects.filter(item__uid=item_uid).count()


def _media(name: str = "") -> Path:
    media = Path(settings.MEDIA_ROOT)
    return media.with_name(name) if name else media


def _item(item_uid: str) -> Item:
    return Item.objects.get(uid=item_uid)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value


class TestPlatformHost(WholeContract):
    @pytest.fixture
    def world(self) -> PlatformWorld:
        return PlatformWorld()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("shapes", "kinds"), [("any", {"box", "polygon"}), ("boxes", {"box"}), ("polygons", {"polygon"})]
)
def test_its_labels_take_what_may_be_drawn_in_the_project(shapes: str, kinds: set[str]) -> None:
    row = make_project()
    ProjectRow.objects.filter(pk=row.pk).update(shapes=shapes)

    targets = PlatformHost().label_targets(Project(row.uid, row.name))

    assert [target.kinds for target in targets] == [kinds, kinds]


def _draft(item: Item, label: str = "bolt") -> ItemDrafts:
    return ItemDrafts(item.uid, 64, 48, (Draft("p-1", Shape(label, 0.5, (1.0, 2.0, 3.0, 4.0))),))


def _job(item: Item) -> JobRef:
    return JobRef("j-1", item.project.uid, "running", "yolo26n", "abc")


@pytest.mark.django_db
class TestItemStates:
    """The platform keeps each item's state true to what lies on it."""

    def test_an_item_becomes_drafted_with_its_first_draft_and_unlabeled_without(self) -> None:
        item, host = make_item(), PlatformHost()

        host.write_drafts(_job(item), [_draft(item)])
        item.refresh_from_db()
        assert item.state == "drafted"

        host.delete_drafts(_job(item), 10)
        item.refresh_from_db()
        assert item.state == "unlabeled"

    def test_an_item_that_is_done_stays_done_when_a_jobs_drafts_are_deleted(self) -> None:
        item, host = make_item(), PlatformHost()
        host.write_drafts(_job(item), [_draft(item)])
        Annotation.objects.filter(item=item).update(status="discarded", reviewed_at="2026-01-01T00:00Z")
        review.finish(item, make_member(item.project))

        assert host.delete_drafts(_job(item), 10) == {}
        item.refresh_from_db()
        assert item.state == "done"

    def test_a_draft_names_its_model_job_and_prediction(self) -> None:
        item = make_item()
        PlatformHost().write_drafts(_job(item), [_draft(item)])

        draft = Annotation.objects.get(item=item)
        assert (draft.model_name, draft.model_version) == ("yolo26n", "abc")
        assert (draft.job_uid, draft.prediction_uid) == ("j-1", "p-1")
        assert (draft.source, draft.status, draft.score) == ("auto", "draft", 0.5)

    def test_a_persons_annotations_are_not_counted_as_verdicts(self) -> None:
        annotation = make_manual()

        assert list(PlatformHost().verdicts(_job(annotation.item))) == []

    def test_it_writes_a_batch_in_a_constant_number_of_queries(self, django_assert_max_num_queries: Any) -> None:
        project = make_project()
        items = [make_item(project) for _ in range(5)]

        with django_assert_max_num_queries(12):
            PlatformHost().write_drafts(_job(items[0]), [_draft(item) for item in items])

    @pytest.mark.parametrize("policy", ["keep", "skip"])
    def test_nor_does_it_ask_for_each_item_where_earlier_drafts_stay(
        self, django_assert_max_num_queries: Any, policy: Any
    ) -> None:
        project = make_project()
        items = [make_item(project) for _ in range(5)]
        PlatformHost().write_drafts(_job(items[0]), [_draft(item) for item in items[:3]])
        job = JobRef("j-2", project.uid, "running", "yolo26n", "abc", existing_drafts=policy)

        with django_assert_max_num_queries(12):
            PlatformHost().write_drafts(job, [_draft(item) for item in items])

    def test_it_takes_back_and_brings_back_in_a_constant_number_of_queries(
        self, django_assert_max_num_queries: Any
    ) -> None:
        project, host = make_project(), PlatformHost()
        items = [make_item(project) for _ in range(9)]
        job, drafts = _job(items[0]), [_draft(item) for item in items]
        host.write_drafts(job, drafts)

        with django_assert_max_num_queries(8):
            assert len(host.delete_drafts(job, 100)) == 9
        with django_assert_max_num_queries(8):
            assert host.restore_drafts(job, drafts) == 9
        with django_assert_max_num_queries(1):
            assert host.used_predictions(job, [item.uid for item in items]) == {"p-1"}

    def test_it_locks_the_items_before_it_looks_whether_they_are_free(self, django_assert_max_num_queries: Any) -> None:
        """Otherwise a person could label an item between the look and the lock (where rows can be locked at all)."""
        item = make_item()
        with django_assert_max_num_queries(12) as captured:
            PlatformHost().write_drafts(_job(item), [_draft(item)])

        looks = [number for number, query in enumerate(captured) if "EXISTS" in query["sql"]]
        locks = [number for number, query in enumerate(captured) if _is_the_lock(query["sql"])]
        assert locks[0] < looks[0]


def _said_of(item: Item) -> dict[str, Any]:
    """All that the item's row says, but when it was changed and which model went over it."""
    row = Item.objects.filter(pk=item.pk).values().get()
    return {name.removesuffix("_id"): row[name] for name in row if name not in ("updated_at", "auto_labeled_at")}


def _is_the_lock(sql: str) -> bool:
    return sql.startswith("SELECT") and 'ORDER BY "annotation_platform_item"."id"' in sql


@pytest.mark.django_db
class TestMasksOfBoxes:
    @pytest.fixture
    def item(self) -> Item:
        return make_item()

    def job(self, box: Annotation) -> JobRef:
        return JobRef("j-1", box.item.project.uid, "running", "sam", "abc", boxes_to_masks=True)

    def write(self, *boxes: Annotation) -> None:
        shapes = [
            Shape("bolt", 0.5, (1.0, 2.0, 3.0, 4.0), ((((1.0, 2.0), (3.0, 2.0), (3.0, 4.0)),),), box.uid)
            for box in boxes
        ]
        drafts = tuple(Draft(f"p-{number}", shape) for number, shape in enumerate(shapes))
        PlatformHost().write_drafts(self.job(boxes[0]), [ItemDrafts(boxes[0].item.uid, 64, 48, drafts)])

    def test_a_mask_names_the_box_that_it_replaces(self, item: Item) -> None:
        box = make_manual(item)
        self.write(box)

        draft = Annotation.objects.drafts().get()
        assert (draft.replaces, draft.kind, draft.status, draft.source) == (box.uid, "polygon", "draft", "auto")

    def test_an_item_that_is_opened_again_says_nothing_more_of_its_end(self, item: Item) -> None:
        bob = make_member(item.project)
        box = make_manual(item)
        review.finish(item, bob)
        self.write(box)

        item.refresh_from_db()
        assert (item.state, item.finished_by, item.finished_at, item.finished_in) == ("drafted", None, None, None)
        assert (item.draft_count, item.lowest_score, item.queue) == (1, 0.5, Item.Queue.WAITING)

    def test_an_item_that_is_finished_again_is_as_the_person_had_finished_it(self, item: Item) -> None:
        bob = make_member(item.project)
        box = make_manual(item)
        review.finish(item, bob)
        before = _said_of(item)
        self.write(box)
        Item.objects.filter(pk=item.pk).update(assigned_to=bob, assigned_until=timezone.now())

        PlatformHost().delete_drafts(self.job(box), 10)

        assert _said_of(item) == before
        assert (before["state"], before["finished_by"]) == ("done", bob.pk)

    def test_it_stays_open_where_a_person_has_only_moved_the_box(self, item: Item) -> None:
        bob = make_member(item.project)
        box = make_manual(item)
        review.finish(item, bob)
        self.write(box)
        review.apply(item, bob, [review.Change(box.uid, box.version, box=(1, 1, 40, 40))])

        PlatformHost().delete_drafts(self.job(box), 10)

        assert _said_of(item)["state"] == "drafted"

    def test_a_flagged_item_stays_as_it_is(self, item: Item) -> None:
        box = make_manual(item)
        review.flag(item, make_member(item.project), "Is this a bolt?")
        self.write(box)

        item.refresh_from_db()
        assert (item.state, item.flag_comment, item.draft_count) == ("flagged", "Is this a bolt?", 0)

    def test_a_polygon_is_no_prompt(self, item: Item) -> None:
        make_manual(item, polygons=SQUARE)

        project = Project(item.project.uid, "")
        assert PlatformHost().box_prompts(project, [item.uid]) == {item.uid: []}
        assert PlatformHost().count_unlabeled(project, Scope(boxes_to_masks=True)) == 0

    def test_it_writes_a_batch_of_masks_in_a_constant_number_of_queries(
        self, item: Item, django_assert_max_num_queries: Any
    ) -> None:
        boxes = [make_manual(item) for _ in range(20)]

        with django_assert_max_num_queries(14):
            self.write(*boxes)
        assert Annotation.objects.masks_of_boxes().count() == 20
