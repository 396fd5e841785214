from django.db import migrations, models

from annotation_platform.keys import hash_of_digest


def hash_with_the_secret_key(apps, schema_editor):
    keys = apps.get_model("annotation_platform", "ApiKey").objects.using(schema_editor.connection.alias)
    for pk, digest in keys.values_list("pk", "key_hash"):
        keys.filter(pk=pk).update(key_hash=hash_of_digest(digest))


class Migration(migrations.Migration):
    dependencies = [("annotation_platform", "0004_reopened_items")]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="scope",
            field=models.CharField(
                choices=[
                    ("read", "Read: look at everything"),
                    ("run", "Run: also start and stop jobs, and review"),
                    ("manage", "Manage: everything that you may do"),
                ],
                default="manage",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="expires_at",
            field=models.DateTimeField(blank=True, help_text="Blank: never.", null=True),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(("scope__in", ["read", "run", "manage"])), name="api_key_scope_known"
            ),
        ),
        # A plain SHA-256 cannot be had back from an HMAC of it: who goes back makes new keys.
        migrations.RunPython(hash_with_the_secret_key, migrations.RunPython.noop),
    ]
