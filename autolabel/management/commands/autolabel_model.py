"""`manage.py autolabel_model add | list | default`: models and versions registered without a redeploy."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from autolabel.inference.entries import STORAGE
from autolabel.jobs import versions
from autolabel.jobs.catalog import catalog
from autolabel.models import ModelDefault, ModelVersion

_OPTIONS = {"model_type": "NAME", "like": "--like", "version": "--version", "weights": "--weights", "title": "--title"}


class Command(BaseCommand):
    help = "Register weights as a version of a model, list versions, choose which one new jobs use."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("add", help="register a version; versions never change")
        add.add_argument("name", help="a model of the settings, or a new name together with --like")
        # Django has a --version of its own, which would print Django's.
        add.add_argument("--version", dest="model_version", required=True, help="the name of this version")
        add.add_argument("--weights", required=True, help=f"an absolute path on the workers, or {STORAGE}KEY")
        add.add_argument("--sha256", required=True, help="the hash of the weights: anything else is refused")
        add.add_argument("--like", default="", metavar="ENTRY", help="the entry of the settings whose code runs them")
        add.add_argument("--title", default="", help="a name for people")
        add.add_argument("--default", action="store_true", help="use it for new jobs from now on")
        actions.add_parser("list", help="the models, their versions, and which are the defaults")
        default = actions.add_parser("default", help="choose the version that new jobs use")
        default.add_argument("name")
        default.add_argument("model_version", metavar="VERSION", help=f"a version, or {versions.SETTINGS!r}")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        actions: dict[str, Callable[..., None]] = {"add": self._add, "list": self._list, "default": self._default}
        try:
            actions[action](**options)
        except versions.VersionInvalid as error:
            raise CommandError(f"{_OPTIONS.get(error.field, '--' + error.field)}: {error}") from None

    def _add(self, **options: Any) -> None:
        new = versions.NewVersion(
            model_type=options["name"],
            version=options["model_version"],
            weights=options["weights"],
            sha256=options["sha256"],
            like=options["like"],
            title=options["title"],
        )
        added = versions.add_version(new, default=options["default"])
        verified = "sha256 verified" if added.verified else "not readable here, so the workers will verify the sha256"
        self.stdout.write(f"Registered {added.row} ({verified}).")
        if catalog()[new.model_type].version == new.version:
            self.stdout.write("New jobs use it.")
        else:
            self.stdout.write(f"New jobs use it after: manage.py autolabel_model default {added.row}")

    def _default(self, name: str, model_version: str, **options: Any) -> None:
        spec = versions.set_default(name, model_version)
        chosen = f"version {spec.version}" if spec.version else "the weights that the settings name"
        self.stdout.write(f"New jobs of {name} use {chosen}. Jobs that exist keep theirs.")

    def _list(self, **options: Any) -> None:
        now = {name: spec.version for name, spec in catalog().items()}
        for name, version in now.items():
            self.stdout.write(f"{name}: new jobs use {version or 'the weights that the settings name'}")
        for row in ModelVersion.objects.order_by("model_type", "id"):
            star = "*" if now.get(row.model_type) == row.version else " "
            self.stdout.write(f"{star} {row}  like {row.base}  {row.weights}  sha256 {row.sha256[:12]}…")
        for default in ModelDefault.objects.filter(version__isnull=False).exclude(model_type__in=now):
            self.stdout.write(f"{default.model_type}: {default.version} cannot run; its entry left the settings")
