"""The WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from changbei.site.settled import settle

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changbei.site.settings")
application = get_wsgi_application()
_ = get_resolver().url_patterns  # all pages are loaded now, not while somebody waits for the first one
settle()
