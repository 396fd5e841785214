from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from annotation_platform import review
from annotation_platform.models import Annotation, Item
from tests.factories import make_draft, make_item, make_manual, make_member, make_project


@pytest.mark.django_db
def test_a_change_of_an_older_version_is_409_with_the_current_annotation(as_user: Any) -> None:
    draft = make_draft()
    client, url = as_user(make_member(draft.item.project)), f"/api/v1/annotations/{draft.uid}/"
    assert client.patch(url, {"version": 1, "status": "accepted"}, format="json").status_code == 200

    answer = client.patch(url, {"version": 1, "status": "discarded"}, format="json")

    assert answer.status_code == 409
    assert answer.json()["detail"]
    assert answer.json()["current"] == client.get(url).json()
    assert answer.json()["current"]["status"] == "accepted"


@pytest.mark.django_db
def test_a_change_of_a_version_that_never_was_is_409(as_user: Any) -> None:
    draft = make_draft()
    client = as_user(make_member(draft.item.project))

    answer = client.patch(f"/api/v1/annotations/{draft.uid}/", {"version": 7, "status": "discarded"}, format="json")

    assert answer.status_code == 409


@pytest.mark.django_db
def test_an_older_version_is_shown_the_current_one_even_where_the_change_makes_no_sense(as_user: Any) -> None:
    draft = make_draft(version=3)
    client = as_user(make_member(draft.item.project))

    answer = client.patch(f"/api/v1/annotations/{draft.uid}/", {"version": 2, "label": "gone"}, format="json")

    assert answer.status_code == 409


@pytest.mark.django_db
def test_deleting_an_older_version_is_409(as_user: Any) -> None:
    manual = make_manual(version=2)
    client = as_user(make_member(manual.item.project))

    answer = client.delete(f"/api/v1/annotations/{manual.uid}/?version=1")

    assert answer.status_code == 409
    assert answer.json()["current"]["version"] == 2


@pytest.mark.django_db
def test_what_somebody_else_has_deleted_meanwhile_is_404(monkeypatch: pytest.MonkeyPatch, as_user: Any) -> None:
    manual = make_manual()
    client = as_user(make_member(manual.item.project))
    real = review.delete

    def late(annotation: Annotation, version: int) -> None:
        Item.objects.all().delete()
        real(annotation, version)

    monkeypatch.setattr(review, "delete", late)

    assert client.delete(f"/api/v1/annotations/{manual.uid}/?version=1").status_code == 404


@pytest.mark.django_db
def test_the_update_itself_compares_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that does not lock the item, such as a script, still cannot be overwritten."""
    draft = make_draft()
    user = make_member(draft.item.project)
    real = review._write

    def late(plans: Any) -> bool:
        Annotation.objects.update(version=5)
        return real(plans)

    monkeypatch.setattr(review, "_write", late)
    with pytest.raises(review.VersionConflict) as conflict:
        review.apply(draft.item, user, [review.Change(draft.uid, 1, status="accepted")])

    assert [annotation.version for annotation in conflict.value.current] == [5]


def together(*calls: Any) -> list[Any]:
    """Run these at the same moment, each on a connection of its own; returns results or exceptions."""
    start = Barrier(len(calls))

    def run(call: Any) -> Any:
        start.wait()
        try:
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.django_db(transaction=True)
def test_of_two_simultaneous_changes_exactly_one_wins() -> None:
    draft = make_draft()
    user = make_member(draft.item.project)

    def decide(status: str) -> Any:
        return lambda: review.apply(draft.item, user, [review.Change(draft.uid, 1, status=status)])

    results = together(*[decide(status) for status in ("accepted", "discarded") * 3])

    assert sum(isinstance(result, list) for result in results) == 1
    assert sum(isinstance(result, review.VersionConflict) for result in results) == 5
    draft.refresh_from_db()
    assert draft.version == 2


@pytest.mark.django_db(transaction=True)
def test_nothing_slips_onto_an_item_while_it_is_being_finished() -> None:
    item = make_item(make_project())
    user = make_member(item.project)

    for _ in range(5):
        results = together(
            lambda: review.finish(item, user),
            lambda: review.add(item, user, "bolt", box=(1, 1, 9, 9)),
            lambda: review.reopen(item),
        )
        assert all(result is None or isinstance(result, Annotation | review.ItemFinished) for result in results)
        item.refresh_from_db()
        assert (item.state == "done") == (item.finished_at is not None)
        if item.state != "done":
            assert item.state == ("drafted" if item.annotations.exists() else "unlabeled")
