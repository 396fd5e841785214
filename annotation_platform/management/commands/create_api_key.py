"""`create_api_key USERNAME --name NAME`: print a new API key once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from annotation_platform.keys import issue_key
from annotation_platform.models import ApiKey


class Command(BaseCommand):
    help = "Make an API key for a user and print it. It is shown this once; only its hash is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", required=True, help="What the key is for, so that you know it later.")
        parser.add_argument(
            "--scope", choices=ApiKey.Scope.values, default=ApiKey.Scope.MANAGE.value, help="default manage"
        )
        parser.add_argument("--days", type=int, metavar="N", help="It ends after so many days; never by default.")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not 0 < len(name) <= 100:
            raise CommandError("The name must have 1 to 100 characters.")
        users = get_user_model()._default_manager
        user = users.filter(**{users.model.USERNAME_FIELD: options["username"]}, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['username']!r}.")
        days = options["days"]
        if days is not None and not 1 <= days <= 3650:
            raise CommandError("--days must be from 1 to 3650.")
        expires_at = None if days is None else timezone.now() + timedelta(days=days)
        _, key = issue_key(user, name, options["scope"], expires_at)
        self.stdout.write(key)
