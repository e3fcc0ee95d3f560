"""Django's settings, built from the instance. Values that an operator may change come from `ostiary.toml`."""

from ostiary.config.database import database_settings
from ostiary.config.loader import find_home, load_instance
from ostiary.config.mail import mail_settings
from ostiary.config.secrets import read_secret

INSTANCE = load_instance(find_home())
_configuration = INSTANCE.configuration

SECRET_KEY = read_secret(INSTANCE.secrets, "django.key").reveal().decode()
DEBUG = False
ALLOWED_HOSTS = [INSTANCE.identity_host, INSTANCE.console_host]

INSTALLED_APPS = [
    "ostiary.web",
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
    "ostiary.authzen",
    "ostiary.scim",
    "ostiary.signals",
    "ostiary.requests",
    "ostiary.workloads",
    "ostiary.devices",
    "ostiary.baselines",
    "ostiary.mdm",
    "ostiary.software",
    "ostiary.osquery",
    "ostiary.saml",
    "ostiary.reviews",
    "ostiary.visibility",
    "ostiary.gateway",
    "ostiary.oidc",
]
MIDDLEWARE = [
    "ostiary.web.hosts.HostRouting",
    "django.middleware.security.SecurityMiddleware",
    "ostiary.web.headers.SecurityHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "ostiary.web.console.assertion.ConsoleAssertion",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "ostiary.web.signin.gate.SignInGate",
]
ROOT_URLCONF = "ostiary.web.urls_identity"
WSGI_APPLICATION = "ostiary.web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "ostiary.web.signin.context.instance",
            ],
        },
    },
]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True

# Envoy, the only one that reaches the control socket, sets this header and removes what a client sends.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Whether a domain goes on the browsers' preload list is its owner's decision, not ours.
SILENCED_SYSTEM_CHECKS = ["security.W021"]

SESSION_COOKIE_NAME = "__Host-ostiary-id"
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = _configuration.sign_in.session_hours * 3600
CSRF_COOKIE_NAME = "__Host-ostiary-csrf"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "ostiary.web.signin.failures.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

AUTH_USER_MODEL = "identity.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["ostiary.identity.passwords.Argon2id"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "ostiary.identity.passwords.GuessableValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "ostiary.identity.passwords.BreachedValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "ostiary.identity.adapters.account.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
# Attempts are limited by `identity.limits`, which cannot be turned against a person as a plain counter can.
ACCOUNT_RATE_LIMITS = False
MFA_ADAPTER = "ostiary.identity.adapters.mfa.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODE_DIGITS = 10
MFA_RATE_LIMITS = False
# Recent proof is asked for by `web.signin.recent`, which knows how strong it must be.
MFA_REAUTHENTICATION_REQUIRED = False
MFA_ALLOW_UNVERIFIED_EMAIL = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database_settings(_configuration.database.url, INSTANCE.database)}

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

globals().update(mail_settings(_configuration.mail, domain=_configuration.domain, folder=INSTANCE.mail))
