from django.apps import AppConfig


class AnnotationPlatformConfig(AppConfig):
    name = "annotation_platform"
    verbose_name = "Annotation platform"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .files import connect

        connect()
