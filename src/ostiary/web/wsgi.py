"""What Granian serves on the control socket: sign-in, portal and console."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostiary.config.django")

application = get_wsgi_application()
