"""What the statistics page shows: how reviewers judged the models' drafts, by label, by job and by score.

The page's plots are SVG without a viewBox, laid out in percent: they are as wide as there is room, and their
texts and patterns keep their size. Percentages are made here, as text, so that no locale writes a decimal comma.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autolabel.models import Job

from ..models import Label, Project
from .counts import counts_of
from .verdicts import SCORE_BINS, Verdicts, verdicts_by_job, verdicts_by_label, verdicts_by_score

__all__ = ["Advice", "advice_on", "statistics_context"]

JOBS_SHOWN = 20
LABELS_SHOWN = 30
COLUMNS = 20
# Below this many decisions a share says too little.
ENOUGH_DECIDED = 20
# Of so many hundredths, with so many decided drafts, a smaller share than this is clearly bad.
BAND, ENOUGH_IN_BAND, BAD_SHARE = 5, 5, 0.8
WANTED_SHARE = 95
# Narrower pieces have no room for their number.
ROOM_FOR_TEXT = 12


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a stacked bar; places are percentages of the bar."""

    kind: str
    count: int
    start: str
    width: str
    middle: str
    has_room: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A stacked bar of verdicts; `of` is the label or the job it is about."""

    of: Any
    verdicts: Verdicts

    @property
    def pieces(self) -> list[Piece]:
        return _pieces(self.verdicts, self.verdicts.drafts)


@dataclass(frozen=True, slots=True)
class Column:
    """The drafts of a range of scores, a twentieth wide."""

    start: float
    verdicts: Verdicts
    # Of all drafts from here upwards.
    above: Verdicts
    most: int

    @property
    def end(self) -> float:
        return self.start + 1 / COLUMNS

    @property
    def x(self) -> str:
        return _percent(self.start + 0.1 / COLUMNS, 1)

    @property
    def pieces(self) -> list[Piece]:
        """From the top: what was kept stands at the bottom, so that its height can be read off the axis."""
        decided = self.verdicts
        return _pieces(decided, decided.decided, ("discarded", "edited", "accepted"))

    @property
    def decided_height(self) -> str:
        return _percent(self.verdicts.decided, self.most)

    @property
    def waiting_height(self) -> str:
        return _percent(self.verdicts.waiting, self.most)

    @property
    def decided_y(self) -> str:
        return _percent(self.most - self.verdicts.decided, self.most)

    @property
    def waiting_y(self) -> str:
        return _percent(self.most - self.verdicts.drafts, self.most)


@dataclass(frozen=True, slots=True)
class Advice:
    """From which score on drafts were kept as they were, and how often."""

    threshold: float
    kept: int
    decided: int

    @property
    def share(self) -> int:
        """In per cent, rounded down."""
        return 100 * self.kept // self.decided

    @property
    def is_safe(self) -> bool:
        return self.share >= WANTED_SHARE

    @property
    def x(self) -> str:
        return _percent(self.threshold, 1)


def statistics_context(project: Project) -> dict[str, Any]:
    """The page's context, in six queries whatever the size of the project."""
    by_label = verdicts_by_label(project)
    by_score = verdicts_by_score(project)
    total = sum(by_label.values(), Verdicts())
    scored = sum(by_score.values(), Verdicts())
    return {
        "project": project,
        "counts": counts_of([project])[project.pk],
        "total": total,
        "shares": _shares(total),
        "label_bars": _label_bars(project.labels.all(), by_label),
        "labels_shown": LABELS_SHOWN,
        "job_bars": _job_bars(project),
        "jobs_shown": JOBS_SHOWN,
        "columns": _columns(by_score),
        "scored": scored,
        "in_bulk": total.decided - scored.decided,
        "advice": advice_on(by_score),
        "enough_decided": ENOUGH_DECIDED,
        "wanted_share": WANTED_SHARE,
    }


def advice_on(by_score: Mapping[int, Verdicts]) -> Advice | None:
    """The lowest threshold at which enough drafts were kept; without one the threshold that comes nearest.

    None where too little has been decided to tell. A safe one goes no lower than a band of scores that is clearly bad
    by itself, for many good drafts above it would hide that.
    """
    candidates, safe, above, is_unbroken = [], [], Verdicts(), True
    for start in sorted(by_score, reverse=True):
        above += by_score[start]
        is_unbroken = is_unbroken and not _is_bad_band(by_score, start)
        # A threshold at which nothing has been decided would promise what nobody has seen.
        if by_score[start].decided and above.decided >= ENOUGH_DECIDED:
            candidates.append(Advice(start / (SCORE_BINS - 1), above.accepted, above.decided))
            if candidates[-1].is_safe and is_unbroken:
                safe.append(candidates[-1])
    if safe:
        return min(safe, key=lambda advice: advice.threshold)
    return max(candidates, key=lambda advice: advice.kept / advice.decided, default=None)


def _is_bad_band(by_score: Mapping[int, Verdicts], start: int) -> bool:
    """Whether of the drafts at this score or a little above far too few were kept."""
    band = sum((by_score.get(start + step, Verdicts()) for step in range(BAND)), Verdicts())
    return band.decided >= ENOUGH_IN_BAND and band.accepted < band.decided * BAD_SHARE


def _shares(total: Verdicts) -> list[tuple[str, int, int]]:
    """Name, number and rounded per cent of the decided drafts."""
    named = [
        ("accepted as they were", total.accepted),
        ("edited", total.edited),
        ("discarded", total.discarded),
    ]
    return [(name, count, round(100 * count / total.decided) if total.decided else 0) for name, count in named]


def _label_bars(labels: Iterable[Label], by_label: Mapping[int, Verdicts]) -> list[Bar]:
    """Most drafts first, labels without any shape left out."""
    bars = [Bar(label, by_label[label.pk]) for label in labels if label.pk in by_label]
    return sorted(bars, key=lambda bar: (-bar.verdicts.drafts, -bar.verdicts.by_hand))


def _job_bars(project: Project) -> list[Bar]:
    jobs = Job.objects.filter(project_uid=project.uid, dry_run=False).select_related("created_by")[:JOBS_SHOWN]
    by_job = verdicts_by_job([job.uid for job in jobs])
    return [Bar(job, by_job.get(job.uid, Verdicts())) for job in jobs]


def _columns(by_score: Mapping[int, Verdicts]) -> list[Column]:
    width = (SCORE_BINS - 1) // COLUMNS
    inside = [Verdicts()] * COLUMNS
    for start, verdicts in by_score.items():
        column = min(start // width, COLUMNS - 1)
        inside[column] += verdicts
    most = max((verdicts.drafts for verdicts in inside), default=0)
    return [
        Column(number / COLUMNS, verdicts, sum(inside[number:], Verdicts()), most)
        for number, verdicts in enumerate(inside)
    ]


def _pieces(
    verdicts: Verdicts, whole: int, kinds: Sequence[str] = ("accepted", "edited", "discarded", "waiting")
) -> list[Piece]:
    pieces, before = [], 0
    for kind in kinds:
        count = getattr(verdicts, kind)
        if count:
            middle = _percent(before + count / 2, whole)
            has_room = 100 * count >= ROOM_FOR_TEXT * whole
            pieces.append(Piece(kind, count, _percent(before, whole), _percent(count, whole), middle, has_room))
        before += count
    return pieces


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "0%"
