"""Django's settings, built from the instance. Values that an operator may change come from `ostiary.toml`."""

from ostiary.config.database import database_settings
from ostiary.config.loader import find_home, load_instance
from ostiary.config.secrets import read_secret

INSTANCE = load_instance(find_home())
_configuration = INSTANCE.configuration

SECRET_KEY = read_secret(INSTANCE.secrets, "django.key").reveal().decode()
DEBUG = False
ALLOWED_HOSTS = [INSTANCE.identity_host, INSTANCE.console_host]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "ostiary.identity",
    "ostiary.applications",
    "ostiary.rulebook",
    "ostiary.visibility",
    "ostiary.gateway",
    "ostiary.web",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
AUTH_USER_MODEL = "identity.Person"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database_settings(_configuration.database.url, INSTANCE.database)}

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
