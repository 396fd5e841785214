"""What the auto-label app's jobs leave on items; autolabel.hosts.base.Host says what each function promises.

Those that write do so in a transaction of their caller, and lock the items first, so that a person who decides on a
draft right now comes before or after them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from django.db.models import QuerySet
from django.utils import timezone

from autolabel.hosts.base import OVERLAP, Draft, ExistingDrafts, ItemDrafts, JobRef, Verdict, Written
from autolabel.shapes import Shape, iou

from .models import Annotation, Item, Label
from .querysets import AnnotationQuerySet, slices
from .reopened import finish_again, open_again, untouched
from .review import refresh_states

__all__ = ["count", "delete", "restore", "used_predictions", "verdicts", "waiting", "write"]

Status = Annotation.Status
OPEN = (Item.State.UNLABELED, Item.State.DRAFTED)
Drafts = Mapping[str, Sequence[Draft]]
# Drafts of one item to look at before one of them is deleted; a guess at how many it has.
_DRAFTS_PER_ITEM = 8


def waiting(items: QuerySet[Item], boxes_to_masks: bool) -> QuerySet[Item]:
    """Those that a job may write on."""
    return items.with_accepted_boxes() if boxes_to_masks else items.awaiting_labels()


def write(job: JobRef, items: Sequence[ItemDrafts]) -> Written:
    given: Drafts = {item.item_uid: item.drafts for item in items}
    locked = _locked(job, given)
    # Judged only now that nobody else can change them.
    free = waiting(Item.objects.filter(pk__in=[item.pk for item in locked]), job.boxes_to_masks)
    drafts: Drafts = {uid: given[uid] for uid in free.values_list("uid", flat=True)}
    if job.boxes_to_masks:
        drafts = _with_their_boxes(drafts)
    gone = _predictions({uid: given[uid] for uid in drafts}) - _predictions(drafts)
    rows = [item for item in locked if item.uid in drafts]
    earlier, room = _drafts_on(rows, job), drafts
    if job.existing_drafts != "replace":
        room = _room(job.existing_drafts, drafts, earlier.exclude(job_uid=job.uid))
        earlier = earlier.filter(job_uid=job.uid)
    earlier.delete()
    _create(job, rows, room, _labels(job))
    _note_visit(job, rows, room)
    return Written(frozenset(given.keys() - drafts.keys()), _predictions(drafts) - _predictions(room), gone)


def count(job: JobRef) -> int:
    return _of(job).drafts().count()


def delete(job: JobRef, limit: int) -> dict[str, list[str]]:
    # Looked for again where people have decided meanwhile on all that was found.
    while keys := _some_items(job, limit):
        deleted = _delete_on(job, keys)
        if deleted:
            return deleted
    return {}


def restore(job: JobRef, items: Sequence[ItemDrafts]) -> int:
    given: Drafts = {item.item_uid: item.drafts for item in items}
    rows, labels = _open(job, _locked(job, given)), _labels(job)
    on_items = Annotation.objects.filter(item__in=rows)
    known = set(on_items.exclude(prediction_uid="").values_list("item__uid", "prediction_uid"))
    drafts: Drafts = {
        item.uid: [
            draft
            for draft in given[item.uid]
            if (item.uid, draft.prediction_uid) not in known and draft.shape.label in labels
        ]
        for item in rows
    }
    if job.boxes_to_masks:
        drafts = _with_their_boxes(drafts)
    # What has come since takes the place of what was taken back, but for a job that writes beside other drafts.
    policy: ExistingDrafts = "keep" if job.existing_drafts == "keep" else "skip"
    room = _room(policy, drafts, _drafts_on(rows, job).exclude(job_uid=job.uid))
    rows = [item for item in rows if room.get(item.uid)]
    written = _create(job, rows, room, labels)
    _note_visit(job, rows, room)
    return written


def used_predictions(job: JobRef, item_uids: Sequence[str]) -> set[str]:
    return {
        uid
        for some in slices(item_uids)
        for uid in _of(job).filter(item__uid__in=some).values_list("prediction_uid", flat=True)
    }


def verdicts(job: JobRef) -> Iterator[Verdict]:
    decided = _of(job).exclude(status=Status.DRAFT)
    for uid, status, edited in decided.values_list("prediction_uid", "status", "edited").iterator():
        yield Verdict(uid, "discarded" if status == Status.DISCARDED else "edited" if edited else "accepted")


def _of(job: JobRef) -> AnnotationQuerySet:
    return Annotation.objects.filter(job_uid=job.uid)


def _locked(job: JobRef, item_uids: Collection[str]) -> list[Item]:
    """Those of these items that the job's project has, locked in the order in which everybody locks several."""
    items = Item.objects.filter(project__uid=job.project_uid, uid__in=item_uids)
    return list(
        items.select_for_update(of=("self",))
        .order_by("pk")
        .only("uid", "state", "updated_at", "finished_by", "finished_at")
    )


def _labels(job: JobRef) -> dict[str, Label]:
    return {label.name: label for label in Label.objects.filter(project__uid=job.project_uid)}


def _predictions(drafts: Drafts) -> frozenset[str]:
    return frozenset(draft.prediction_uid for of_item in drafts.values() for draft in of_item)


def _drafts_on(items: Sequence[Item], job: JobRef) -> AnnotationQuerySet:
    """The drafts that meet those of the job: masks of boxes meet only each other."""
    drafts = Annotation.objects.drafts().filter(item__in=items)
    return drafts.masks_of_boxes() if job.boxes_to_masks else drafts


def _room(policy: ExistingDrafts, drafts: Drafts, others: AnnotationQuerySet) -> Drafts:
    """What of these drafts is written where `others` stay."""
    there: dict[str, list[Annotation]] = {}
    for other in others.select_related("item").only("item__uid", "x_min", "y_min", "x_max", "y_max", "replaces"):
        there.setdefault(other.item.uid, []).append(other)
    if policy == "skip":
        return {uid: [] if uid in there else of_item for uid, of_item in drafts.items()}
    return {
        uid: [draft for draft in of_item if not any(_alike(draft.shape, other) for other in there.get(uid, ()))]
        for uid, of_item in drafts.items()
    }


def _alike(shape: Shape, other: Annotation) -> bool:
    """Whether they show the same thing. A mask shows what its box shows, however people have drawn their boxes."""
    if shape.source:
        return shape.source == other.replaces
    return iou(shape.bbox_xyxy, other.bbox_xyxy) >= OVERLAP


def _with_their_boxes(drafts: Drafts) -> Drafts:
    """Masks whose box is still accepted, by item; an item of which that leaves none is left out.

    A mask that a person has decided on is left out, too: it is never written again.
    """
    on_items = Annotation.objects.filter(item__uid__in=drafts)
    boxes = set(on_items.accepted_boxes().values_list("item__uid", "uid"))
    decided = on_items.masks_of_boxes().exclude(status=Status.DRAFT)
    known = set(decided.values_list("item__uid", "prediction_uid"))
    standing = {
        uid: [
            draft
            for draft in of_item
            if (uid, draft.shape.source) in boxes and (uid, draft.prediction_uid) not in known
        ]
        for uid, of_item in drafts.items()
    }
    return {uid: kept for uid, kept in standing.items() if kept or not drafts[uid]}


def _open(job: JobRef, items: Sequence[Item]) -> list[Item]:
    """Those that no person is done with, and those that are finished again since the job's drafts were taken back."""
    again = set(untouched(job.uid, [item.pk for item in items])) if job.boxes_to_masks else set()
    return [item for item in items if item.state in OPEN or (item.state == Item.State.DONE and item.pk in again)]


def _note_visit(job: JobRef, items: Sequence[Item], drafts: Drafts) -> None:
    """The model has gone over these items and left these drafts."""
    now = timezone.now()
    if job.boxes_to_masks:
        open_again(job.uid, [item for item in items if drafts[item.uid]], now)
    refresh_states(Item.objects.filter(pk__in=[item.pk for item in items]), auto_labeled_at=now, updated_at=now)


def _some_items(job: JobRef, limit: int) -> list[int]:
    """Keys of items that have drafts of the job. Neither sorted nor distinct in the database: it reads only these."""
    found = _of(job).drafts().order_by().values_list("item_id", flat=True)[: limit * _DRAFTS_PER_ITEM]
    return list(dict.fromkeys(found))[:limit]


def _delete_on(job: JobRef, keys: Sequence[int]) -> dict[str, list[str]]:
    deleted: dict[str, list[str]] = {}
    for some in slices(Item.objects.filter(pk__in=keys).locked_keys()):
        drafts = _of(job).drafts().filter(item__in=some)
        for item_uid, prediction_uid in drafts.values_list("item__uid", "prediction_uid"):
            deleted.setdefault(item_uid, []).append(prediction_uid)
        opened = untouched(job.uid, some) if job.boxes_to_masks else []
        drafts.delete()
        items = Item.objects.filter(pk__in=some)
        refresh_states(items)
        # Not one on which a model has found nothing: without its drafts, the item waits for its first.
        items.filter(state=Item.State.UNLABELED).update(auto_labeled_at=None)
        if opened:
            finish_again(opened, timezone.now())
    return deleted


def _create(job: JobRef, items: Iterable[Item], drafts: Drafts, labels: Mapping[str, Label]) -> int:
    """A label that has gone meanwhile is a KeyError: all is rolled back, and done again with today's labels."""
    rows = [_annotation(job, item, draft, labels[draft.shape.label]) for item in items for draft in drafts[item.uid]]
    return len(Annotation.objects.bulk_create(rows))


def _annotation(job: JobRef, item: Item, draft: Draft, label: Label) -> Annotation:
    x_min, y_min, x_max, y_max = draft.shape.bbox_xyxy
    return Annotation(
        item=item,
        label=label,
        kind=draft.shape.kind,
        x_min=x_min,
        y_min=y_min,
        x_max=x_max,
        y_max=y_max,
        polygons=draft.shape.polygons,
        status=Status.DRAFT,
        source=Annotation.Source.AUTO,
        score=draft.shape.score,
        model_name=job.model_name[:100],
        model_version=job.model_version[:100],
        job_uid=job.uid,
        prediction_uid=draft.prediction_uid,
        replaces=draft.shape.source,
    )
