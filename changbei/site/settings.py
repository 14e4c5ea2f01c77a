"""Settings of the product. Everything an operator sets is an environment variable named CHANGBEI_…"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from changbei.core import clock

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(__file__).resolve().parents[1]
VAR = Path(os.environ.get("CHANGBEI_VAR", ROOT / "var"))
PLANS = Path(os.environ.get("CHANGBEI_PLANS", ROOT / "plans"))
# Whole font files for documents (PDF): NotoSansSC-Regular.ttf and -Bold.ttf.
FONTS = Path(os.environ.get("CHANGBEI_FONTS", PACKAGE / "web/static/built/fonts"))

DEMO = os.environ.get("CHANGBEI_DEMO", "") == "1"
DEBUG = os.environ.get("CHANGBEI_DEBUG", "") == "1"
CLOCK = os.environ.get("CHANGBEI_CLOCK", "")
clock.install(clock.from_setting(CLOCK))


def _secret() -> str:
    """The key from the environment, else one kept in a file only this user can read."""
    if given := os.environ.get("CHANGBEI_SECRET_KEY"):
        return given
    path = VAR / "secret-key"
    if not path.exists():
        VAR.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(handle, os.urandom(32).hex().encode())
        os.close(handle)
    return path.read_text()


SECRET_KEY = _secret()
ALLOWED_HOSTS = os.environ.get("CHANGBEI_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [host for host in os.environ.get("CHANGBEI_ORIGINS", "").split(",") if host]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "changbei.journal",
    "changbei.people",
    "changbei.network",
    "changbei.plans",
    "changbei.notify",
    "changbei.runs",
    "changbei.delivery",
    "changbei.supply",
    "changbei.care",
    "changbei.incidents",
    "changbei.readiness",
    "changbei.web",
]
AUTH_USER_MODEL = "people.Account"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DRILL_GROUND = (
    False  # a drill's own database: everything is carried out there, and nothing begins by schedule
)

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "changbei.web.security.SecurityHeaders",
    "changbei.web.heads.HeadAsGet",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "changbei.web.errors.ErrorPages",
]
ROOT_URLCONF = "changbei.site.urls"
WSGI_APPLICATION = "changbei.site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "changbei.web.context.shell",
            ],
        },
    }
]


POOL_SECONDS = (
    10.0  # a fail-over takes three to four; when nobody gets a connection for so long, the database is gone
)


def database_from_url(url: str) -> dict[str, object]:
    """A Django database entry from postgresql://user:password@host:port/name?option=value; host may be a folder."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError(f"CHANGBEI_DATABASE_URL: {parts.scheme!r} is not postgresql://")
    options: dict[str, object] = dict(parse_qsl(parts.query))
    host = str(options.pop("host", "") or unquote(parts.hostname or ""))
    most = int(os.environ.get("CHANGBEI_DB_POOL", "8"))
    options.setdefault("pool", {"min_size": 1, "max_size": most, "timeout": POOL_SECONDS})
    return {
        "ENGINE": "changbei.site.pooled",
        "NAME": parts.path.lstrip("/") or "changbei",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or options.pop("port", "")),
        "OPTIONS": options,
    }


DATABASE_URL = os.environ.get("CHANGBEI_DATABASE_URL", "postgresql:///changbei")
DATABASES = {"default": database_from_url(DATABASE_URL)}

AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "board"
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "changbei.web.errors.refused"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = os.environ.get("CHANGBEI_HTTPS", "") == "1"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SESSION_COOKIE_SECURE else None

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("zh-hant", "繁體中文"), ("en", "English")]
LOCALE_PATHS = [PACKAGE / "locale"]
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns when it is missing
MEDIA_ROOT = VAR / "evidence"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024

# How long claims are held, as a multiple of the usual: a chaos run and tests make it short.
LEASE_SCALE = float(os.environ.get("CHANGBEI_LEASE_SCALE", "1"))

# Channels: where messages leave the house. Unset means the channel is not offered.
SMS_GATEWAY_URL = os.environ.get("CHANGBEI_SMS_GATEWAY", "")
SMS_GATEWAY_TOKEN = os.environ.get("CHANGBEI_SMS_TOKEN", "")
EMAIL_URL = os.environ.get("CHANGBEI_SMTP", "")
EMAIL_FROM = os.environ.get("CHANGBEI_EMAIL_FROM", "changbei@localhost")
VOICE_GATEWAY_URL = os.environ.get("CHANGBEI_VOICE_GATEWAY", "")
WECOM_ROBOT = os.environ.get("CHANGBEI_WECOM", "")
DINGTALK_ROBOT = os.environ.get("CHANGBEI_DINGTALK", "")
FEISHU_ROBOT = os.environ.get("CHANGBEI_FEISHU", "")
CHATS = os.environ.get("CHANGBEI_CHATS", "")
WEBHOOK_URL = os.environ.get("CHANGBEI_WEBHOOK", "")
WEBHOOK_SECRET = os.environ.get("CHANGBEI_WEBHOOK_SECRET", "")
PUSH_KEY = os.environ.get("CHANGBEI_PUSH_KEY", "")  # the file of the key, made by `changbei channel key FILE`
PUSH_CONTACT = os.environ.get("CHANGBEI_PUSH_CONTACT", "")
PROVIDERS = os.environ.get("CHANGBEI_PROVIDERS", "")  # a folder of carriers' files of the installation's own
NOTICES_FILE = os.environ.get("CHANGBEI_NOTICES", "")  # ladders, limits, quiet hours
CALLBACK_SECRET = os.environ.get(
    "CHANGBEI_CALLBACK_SECRET", ""
)  # part of the address at which carriers call us back
# Three-day forecasts (E3.2.9): an API in the manner of Open-Meteo, e.g. https://api.open-meteo.com/v1/forecast, and a
# folder into which somebody drops a file; without both the forecast is typed in.
FORECAST_URL = os.environ.get("CHANGBEI_FORECAST_URL", "")
FORECAST_FOLDER = os.environ.get("CHANGBEI_FORECAST_FOLDER", "")
# Driving times: the folder of the road network (`changbei roads build`) and of the times computed with it.
ROADS = Path(os.environ.get("CHANGBEI_ROADS", VAR / "roads"))
# Recoveries: searches side by side, one a core; one core is left to everything else, and a fifth search finds little.
RECOVERY_CORES = int(os.environ.get("CHANGBEI_RECOVERY_CORES", max(1, min(4, (os.cpu_count() or 1) - 1))))
# Watching: a key without which /metrics answers this machine alone, and an address that is called while the
# engine works.
METRICS_TOKEN = os.environ.get("CHANGBEI_METRICS_TOKEN", "")
DEADMAN_URL = os.environ.get("CHANGBEI_DEADMAN_URL", "")
DEADMAN_EVERY_SECONDS = float(os.environ.get("CHANGBEI_DEADMAN_EVERY_SECONDS", "60"))
# How often a web process looks whether pages for the public have changed; in between they come from memory.
PUBLIC_LOOK_SECONDS = float(os.environ.get("CHANGBEI_PUBLIC_LOOK_SECONDS", "1"))
PUBLIC_URL = os.environ.get("CHANGBEI_PUBLIC_URL", "http://127.0.0.1:8000")
# Messages carry addresses of ours only when phones reach them; `serve` says loopback when nobody has said another one.
CONFIRM_LINKS = DEMO or urlsplit(PUBLIC_URL).hostname not in {"127.0.0.1", "localhost", "::1"}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("CHANGBEI_LOG", "WARNING")},
}
