"""A lost file fails its item for good; a storage that is away fails none."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from annotation_platform.autolabel_host import PlatformHost
from annotation_platform.models import Item
from autolabel.exceptions import ItemUnreadable
from autolabel.hosts.base import Project
from tests.factories import make_item, make_project

pytestmark = pytest.mark.django_db


def read(item: Item) -> bytes:
    with PlatformHost().open_image(Project(item.project.uid, ""), item.uid) as file:
        return file.read()


def test_an_image_whose_file_alone_is_lost_is_unreadable() -> None:
    item, other = make_item(), make_item()
    Path(item.image.path).unlink()

    with pytest.raises(ItemUnreadable, match=r"^The image file is missing\.$"):
        read(item)
    assert read(other)


def test_so_is_the_only_image_of_a_project_without_any_file_left() -> None:
    item = make_item()
    for stored in (item.image, item.thumbnail):
        Path(stored.path).unlink()

    with pytest.raises(ItemUnreadable, match="missing"):
        read(item)


@pytest.mark.parametrize("left", ["nothing", "an empty folder", "an upload to another project since"])
def test_a_disk_that_is_not_mounted_makes_no_image_unreadable(media: Path, left: str) -> None:
    item = make_item()
    shutil.rmtree(media)
    if left != "nothing":
        media.mkdir()
    if left.startswith("an upload"):
        make_item(make_project())

    with pytest.raises(OSError, match=r"Is its disk mounted\?") as fault:
        read(item)
    assert str(media) not in str(fault.value), "a job shows this text to people"


@pytest.mark.parametrize(
    "fault",
    [
        OSError(errno.EIO, "Input/output error", "/srv/media/a.jpg"),
        OSError(errno.ESTALE, "Stale file handle", "/srv/media/a.jpg"),
        PermissionError(errno.EACCES, "Permission denied", "/srv/media/a.jpg"),
        TimeoutError("the bucket at /srv/media does not answer"),
        ConnectionResetError(),
    ],
)
def test_a_storage_that_does_not_answer_makes_no_image_unreadable(
    monkeypatch: pytest.MonkeyPatch, fault: OSError
) -> None:
    item = make_item()

    def fail(*args: Any) -> Any:
        raise fault

    monkeypatch.setattr(FileSystemStorage, "_open", fail)

    with pytest.raises(OSError, match=r"^The images cannot be read: ") as told:
        read(item)
    assert "/srv/media" not in str(told.value)
    monkeypatch.undo()
    assert read(item)


def test_an_error_of_a_remote_storages_own_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    item = make_item()

    class SlowDown(Exception):
        """As the clients of object stores raise them."""

    def fail(*args: Any) -> Any:
        raise SlowDown("503")

    monkeypatch.setattr(FileSystemStorage, "_open", fail)

    with pytest.raises(SlowDown):
        read(item)


def test_a_storage_without_folders_is_believed_that_a_file_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Item._meta.get_field("image"), "storage", InMemoryStorage())
    item = make_item()
    assert read(item)

    item.image.storage.delete(item.image.name)

    with pytest.raises(ItemUnreadable, match="missing"):
        read(item)


@pytest.mark.parametrize("name", ["", "items", "../../etc/passwd"])
def test_an_item_that_names_no_file_of_the_storage_is_unreadable(name: str) -> None:
    item = make_item()
    Item.objects.filter(pk=item.pk).update(image=name)

    with pytest.raises(ItemUnreadable, match=r"no image file|not a file"):
        read(item)
