"""Settings of the platform. Every value a deployment changes is an environment variable; README lists them."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from environs import Env, validate

from annotation_platform.shipped_models import models
from autolabel.workers.embedded import socket_url

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()


def _secret_key(path: Path) -> str:
    """A key made at the first start and kept beside the data, so that a fresh machine needs no configuration."""
    if not path.exists():
        # Whole at once, and only one of several processes that start together: all of them read the same.
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as new:  # readable by this user alone
            new.write(secrets.token_urlsafe(50))
            new.flush()
            with suppress(FileExistsError):
                os.link(new.name, path)
    return path.read_text()


# Everything the platform writes: the SQLite database, media files, the embedded queue's append-only file.
DATA_DIR = env.path("DATA_DIR", BASE_DIR / "var").resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "") or _secret_key(DATA_DIR / "secret-key")
# Former keys: what they signed, hashed and encrypted stays valid while they stand here.
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

# One switch for a deployment behind TLS; off by default because the demo answers on plain loopback.
HTTPS = env.bool("HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# Monitors inside the cluster ask over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
BEHIND_PROXY = env.bool("BEHIND_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
# Scripts and styles are files of ours; the one inline script, the import map, carries the nonce of its answer.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

INSTALLED_APPS = [
    "annotation_platform",
    "autolabel",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "django_htmx",
    "django_rq",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
]

MIDDLEWARE = [
    # First, so that what the others refuse has its policy, too.
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "annotation_platform.middleware.PrivateAnswers",
    "annotation_platform.throttling.ThrottleMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "annotation_platform.urls"
WSGI_APPLICATION = "annotation_platform.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": env.dj_db_url("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # WAL lets readers go on while a worker writes; IMMEDIATE takes the write lock at BEGIN, so that a transaction
    # waits its turn instead of failing with "database is locked" half-way.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "projects"
LOGOUT_REDIRECT_URL = "sign-in"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns where there is none
# Served straight from the packages, so that a fresh clone needs no collectstatic.
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = DATA_DIR / "media"
# Media has no public address: images go through a view that checks membership.
MEDIA_URL = ""

# Requests a minute to the API and of sign-ins: of one API key, of one address, and of refused credentials: keys of one
# address, passwords of one address, passwords of one account.
# 0 is without a limit. Counted by all processes together: in Redis, or on one machine in a file.
RATE_LIMITS = {
    "key": env.int("RATE_LIMIT_PER_KEY", 1200),
    "address": env.int("RATE_LIMIT_PER_ADDRESS", 6000),
    "refused": env.int("RATE_LIMIT_REFUSED", 30),
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

REST_FRAMEWORK = {
    # The key class comes first: its challenge header is what turns "no credentials" into 401 instead of 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "annotation_platform.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Annotation platform API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "annotation_platform.api.schema.add_refusals",
    ],
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": "autolabel.models.Job.Status",
        "ItemState": "annotation_platform.models.Item.State",
        "AnnotationStatus": "annotation_platform.models.Annotation.Status",
        "ProjectStatus": "annotation_platform.models.Project.Status",
        "WebhookEndpointState": "autolabel.models.WebhookEndpoint.State",
        "WebhookDeliveryStatus": "autolabel.models.WebhookDelivery.Status",
    },
}

# The doorbell. Without REDIS_URL the worker command starts a private Valkey on a unix socket below DATA_DIR.
REDIS_URL = env.str("REDIS_URL", "")
RATE_LIMIT_STORE = REDIS_URL.replace("unix://", "redis+unix://", 1) or f"shared-file://{DATA_DIR}/rate-limits.sqlite3"
RQ_QUEUES = {"autolabel": {"URL": REDIS_URL or socket_url(DATA_DIR)}}

AUTOLABEL = {
    "HOST": "annotation_platform.autolabel_host.PlatformHost",
    "EMBEDDED_QUEUE_DIR": None if REDIS_URL else DATA_DIR,
    # Below DATA_DIR, which is this user's alone: what lies here is run.
    "CACHE_DIR": DATA_DIR / "cache",
    "MODELS": models(os.environ),
    # For development: requests to addresses that users give (webhooks, images by URL) over http, and to this machine.
    "WEBHOOK_ALLOW_HTTP": env.bool("WEBHOOK_ALLOW_HTTP", False),
    "WEBHOOK_ALLOW_LOOPBACK": env.bool("WEBHOOK_ALLOW_LOOPBACK", False),
    # /metrics answers who sends it as a bearer token, and signed-in staff.
    "METRICS_TOKEN": env.str("METRICS_TOKEN", "") or None,
}

_LOG_LEVEL = env.str("LOG_LEVEL", "WARNING")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "autolabel.logs.ContextFilter"}},
    "formatters": {
        "plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        # One object a line, with the job, item and worker that it is about.
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s %(job)s %(item)s %(worker)s",
        },
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": env.str("LOG_FORMAT", "plain", validate=validate.OneOf(["plain", "json"])),
            "filters": ["context"],
            # Here, too: records of other loggers that come up to the root pass by the root's own level.
            "level": _LOG_LEVEL,
        }
    },
    # Anybody can cause these, with a traceback each; the 400 says enough.
    "loggers": {"django.security.DisallowedHost": {"handlers": [], "propagate": False}},
    "root": {"handlers": ["console"], "level": _LOG_LEVEL},
}
