"""Browsers that take web pushes."""

from __future__ import annotations

from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Invalid
from changbei.notify.channels.push.encryption import decode
from changbei.notify.models import Device
from changbei.people.models import Person

SECRET_BYTES = 16
MOST_PER_PERSON = 10


def remember(endpoint: str, public_key: str, secret: str, *, actor: Person) -> Device:
    """This browser takes pushes for `actor`; a browser belongs to whoever said so last. Raises Invalid."""
    parts = urlsplit(endpoint)
    if parts.scheme != "https" and not settings.DEBUG:
        raise Invalid("endpoint", gettext_noop("a push service has an https address"))
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(public_key))
        right = len(decode(secret)) == SECRET_BYTES
    except ValueError:
        right = False
    if not right or not parts.hostname:
        raise Invalid("keys", gettext_noop("these are not the keys of a subscription"))
    device, _ = Device.objects.update_or_create(
        endpoint=endpoint,
        defaults={"person": actor, "public_key": public_key, "secret": secret, "added_at": clock.now()},
    )
    newest = Device.objects.filter(person=actor).order_by("-added_at", "-pk").values_list("pk", flat=True)
    Device.objects.filter(pk__in=list(newest[MOST_PER_PERSON:])).delete()
    return device


def forget(endpoint: str, *, actor: Person) -> None:
    """This browser takes pushes no more; nobody forgets another's."""
    Device.objects.filter(endpoint=endpoint, person=actor).delete()
