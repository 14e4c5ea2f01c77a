"""Web push: the encryption's published example, and the contract with a push service."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from changbei.core.errors import Invalid
from changbei.notify import devices, jobs, recipients, services
from changbei.notify.channels.push import vapid as vapids
from changbei.notify.channels.push.channel import Push
from changbei.notify.channels.push.encryption import MOST_BYTES, decode, encode, encrypt, point
from changbei.notify.channels.push.vapid import Vapid, make_key, public_key_of
from changbei.notify.channels.registry import close_all
from changbei.notify.models import Device, Urgency
from changbei.notify.services import NewNotice
from changbei.notify.tests.servers import Provider, serving
from changbei.people.models import Person

TITLE = {"zh-Hans": "车辆故障", "en": "Breakdown"}


def test_the_example_of_the_standard() -> None:
    """RFC 8291, appendix A."""
    private = int.from_bytes(decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        decode("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        decode("BTBZMqHH6r4Tts7J_aSIgg"),
        own=ec.derive_private_key(private, ec.SECP256R1()),
        salt=decode("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert encode(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
        "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize("public_key", [b"", b"\x04" + b"\x01" * 64, b"x" * 65])
def test_keys_that_are_none(public_key: bytes) -> None:
    with pytest.raises(ValueError):
        encrypt(b"x", public_key, b"s" * 16)


def test_more_than_a_push_carries() -> None:
    browser = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(ValueError, match=str(MOST_BYTES)):
        encrypt(b"x" * (MOST_BYTES + 1), point(browser.public_key()), b"s" * 16)


class Browser:
    """What a browser holds, and how it reads a push."""

    def __init__(self) -> None:
        self.key, self.secret = ec.generate_private_key(ec.SECP256R1()), b"0123456789abcdef"
        self.public_key = point(self.key.public_key())

    def read(self, body: bytes) -> dict:
        salt, theirs, sealed = body[:16], body[21:86], body[86:]
        shared = self.key.exchange(
            ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
        )
        material = _derive(shared, self.secret, b"WebPush: info\x00" + self.public_key + theirs, 32)
        key = _derive(material, salt, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = _derive(material, salt, b"Content-Encoding: nonce\x00", 12)
        opened = AESGCM(key).decrypt(nonce, sealed, None)
        assert opened[-1:] == b"\x02"
        return json.loads(opened[:-1])


def _derive(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(material)


@pytest.fixture
def service() -> Iterator[Provider]:
    server = Provider()
    server.says(b"", 201)
    with serving(server):
        yield server


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    make_key(tmp_path / "push.pem")
    return tmp_path / "push.pem"


@pytest.fixture
def pushing(settings, key_file) -> Iterator[None]:
    settings.SMS_GATEWAY_URL = settings.EMAIL_URL = ""
    settings.PUSH_KEY, settings.PUSH_CONTACT = str(key_file), "mailto:it@city.invalid"
    yield
    close_all()


@pytest.fixture
def person(small_city) -> Person:
    return Person.objects.order_by("pk")[0]


def _device(person: Person, service: Provider, name: str = "d1") -> Browser:
    browser = Browser()
    Device.objects.create(
        person=person,
        endpoint=f"{service.url}/{name}",
        public_key=encode(browser.public_key),
        secret=encode(browser.secret),
        added_at=person_added(),
    )
    return browser


def person_added():
    from changbei.core import clock

    return clock.now()


def _tell(person: Person, **changes):
    standard = {"template": "t", "title": TITLE, "body": {"zh-Hans": "请处理"}, "urgency": Urgency.IMMEDIATE}
    return services.tell(NewNotice(**{**standard, **changes}), recipients.of_people([person]))


@pytest.mark.django_db
def test_a_push_reaches_the_browser_and_only_it_can_read_it(pushing, person, service, clock) -> None:
    browser = _device(person, service)
    notice = _tell(person)
    jobs.send_due()
    message = notice.messages.get(channel="push")
    assert message.state == "handed"
    (asked,) = service.asked
    assert browser.read(asked.body) == {
        "id": str(message.uuid),
        "title": "车辆故障",
        "body": "请处理",
        "link": "",
    }
    assert {name: asked.headers[name] for name in ("TTL", "Urgency", "Topic", "Content-Encoding")} == {
        "TTL": "86400",
        "Urgency": "high",
        "Topic": message.uuid.hex,
        "Content-Encoding": "aes128gcm",
    }


@pytest.mark.django_db
def test_the_push_service_can_check_who_we_are(pushing, person, service, key_file, clock) -> None:
    _device(person, service)
    _tell(person)
    jobs.send_due()
    scheme, token, key = service.asked[0].headers["Authorization"].replace(",", "").split()
    assert (scheme, key) == ("vapid", f"k={public_key_of(key_file)}")
    header, claims, signature = token.removeprefix("t=").split(".")
    assert json.loads(decode(header)) == {"typ": "JWT", "alg": "ES256"}
    assert json.loads(decode(claims)) == {
        "aud": service.url,
        "exp": int((clock.now() + timedelta(hours=12)).timestamp()),
        "sub": "mailto:it@city.invalid",
    }
    raw = decode(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    vapids.read_key(key_file).public_key().verify(der, f"{header}.{claims}".encode(), ec.ECDSA(SHA256()))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "state", "left"),
    [
        (201, "handed", 1),
        (410, "failed", 0),
        (404, "failed", 0),
        (413, "failed", 1),
        (429, "queued", 1),
        (503, "queued", 1),
    ],
)
def test_what_a_push_service_answers(pushing, person, service, clock, status, state, left) -> None:
    _device(person, service)
    service.says(b"", status, Retry_After="20")
    notice = _tell(person)
    jobs.send_due()
    message = notice.messages.get(channel="push")
    assert message.state == state
    assert Device.objects.count() == left
    if status == 429:
        assert (message.due_at, message.attempts) == (clock.now() + timedelta(seconds=20), 0)


@pytest.mark.django_db
def test_one_browser_of_several_is_enough(pushing, person, service, clock) -> None:
    _device(person, service)
    Device.objects.create(
        person=person,
        endpoint="http://127.0.0.1:1/gone",
        public_key=encode(Browser().public_key),
        secret=encode(b"s" * 16),
        added_at=clock.now(),
    )
    notice = _tell(person)
    jobs.send_due()
    assert notice.messages.get(channel="push").state == "handed"


@pytest.mark.django_db
def test_who_has_no_browser_gets_no_push(pushing, person, service, clock) -> None:
    assert not _tell(person).messages.filter(channel="push").exists()


@pytest.mark.django_db
def test_a_long_body_is_cut_for_the_push_alone(pushing, person, service, clock) -> None:
    browser = _device(person, service)
    _tell(person, body={"zh-Hans": "长" * 5_000})
    jobs.send_due()
    shown = browser.read(service.asked[0].body)["body"]
    assert set(shown) == {"长"}
    assert 500 < len(shown) < 1_400


@pytest.mark.django_db
def test_a_push_service_that_hangs(pushing, person, service, key_file, clock) -> None:
    _device(person, service)
    service.silent.set()
    notice = _tell(person)
    push = Push(Vapid(key_file, "mailto:it@city.invalid"), timeout_seconds=0.2)
    from changbei.notify.channels import Outgoing

    message = notice.messages.get(channel="push")
    (outcome,) = push.send([Outgoing(message.uuid, str(person.pk), "t", "b", 0)], stop=lambda: False)
    service.released.set()
    push.close()
    assert outcome.state == "retry"


@pytest.mark.django_db
def test_only_what_is_a_subscription_is_kept(person, clock) -> None:
    browser = Browser()
    good = ("https://push.invalid/1", encode(browser.public_key), encode(browser.secret))
    for endpoint, key, secret in (
        ("http://push.invalid/1", *good[1:]),
        (good[0], "AAAA", good[2]),
        (good[0], good[1], "c2hvcnQ"),
        (good[0], "?", good[2]),
    ):
        with pytest.raises(Invalid):
            devices.remember(endpoint, key, secret, actor=person)
    assert Device.objects.count() == 0
    devices.remember(*good, actor=person)
    devices.remember(*good, actor=person)
    assert Device.objects.get().person_id == person.pk
    other = Person.objects.order_by("pk")[1]
    devices.forget(good[0], actor=other)
    assert Device.objects.count() == 1
    devices.forget(good[0], actor=person)
    assert Device.objects.count() == 0


def test_a_key_is_never_replaced_and_a_wrong_one_is_named(key_file: Path, tmp_path: Path) -> None:
    before = key_file.read_bytes()
    with pytest.raises(FileExistsError):
        make_key(key_file)
    assert key_file.read_bytes() == before
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert len(base64.urlsafe_b64decode(public_key_of(key_file) + "=")) == 65
    with pytest.raises(ValueError, match="CHANGBEI_PUSH_KEY"):
        public_key_of(tmp_path / "none.pem")
    with pytest.raises(ValueError, match="CHANGBEI_PUSH_CONTACT"):
        Vapid(key_file, "somebody")
