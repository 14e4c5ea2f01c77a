"""Somebody at a screen: a browser of their own, what they do there, and everything that goes wrong on the way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Locator, Page, Request, Response

from changbei.people.accounts import create_account
from changbei.people.models import Account, Person

HEIGHTS = {390: 844, 1280: 800, 1920: 1080}
SCREENSHOTS = os.environ.get("CHANGBEI_SCREENSHOTS", "")
GRAVE = {"serious", "critical"}
# MapLibre says so when software draws the map; no fault of the page.
NOT_OURS = ("GPU stall", "GL Driver Message", "WebGL")
STATES_OF_OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def account_of(person: Person) -> Account:
    known = Account.objects.filter(person=person).first()
    return known or create_account(person.staff_no.lower(), "drill-only", person=person, actor=None)


# Colours change by transitions, which need frames, which a map that is drawn by software keeps waiting.
SETTLED = """async () => {
    for (let frame = 0; frame < 3; frame++) await new Promise((next) => requestAnimationFrame(next));
    const passing = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < 2000);
    await Promise.all(passing.map((one) => one.finished.catch(() => null)));
}"""


class Visitor:
    """A person (nobody logged in when None) with a page `width` pixels wide."""

    def __init__(self, browser: Browser, address: str, person: Person | None, *, width: int) -> None:
        self.address, self.width = address, width
        self.problems: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": HEIGHTS[width]},
            has_touch=width < 600,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            permissions=["geolocation"],
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(60_000)
        if person is not None:
            self._carry_session(account_of(person))
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self._said(message.type, message.text))
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("request", self._requested)
        self.page.on("response", self._answered)

    def _carry_session(self, account: Account) -> None:
        client = Client()
        client.force_login(account)
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": self.address}]
        )

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not any(words in text for words in NOT_OURS):
            self.problems.append(f"console {kind}: {text}")

    def _requested(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https"} and parts.netloc != urlsplit(self.address).netloc:
            self.problems.append(f"outside request: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"{response.status} {response.request.method} {response.url}")

    def stands_at(self, longitude: float, latitude: float) -> None:
        """Where the phone says that it is."""
        self.context.set_geolocation({"longitude": longitude, "latitude": latitude})

    # --- looking

    def opens(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def sees(self, selector: str, text: str | None = None) -> Locator:
        """Wait until it is visible."""
        found = self.page.locator(selector, has_text=text) if text else self.page.locator(selector)
        found.first.wait_for(state="visible")
        return found

    def until(self, script: str) -> None:
        """Wait until the script is true; asked from outside, as the page's policy allows no code from texts."""
        for _ in range(300):
            if self.page.evaluate(script):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"never true: {script}")

    def wait_for(self, true: Callable[[], bool]) -> None:
        """Until this holds, of the database or whatever else is behind the pages."""
        for _ in range(100):
            if true():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("never true")

    def presses(self, selector: str, text: str | None = None) -> None:
        self.sees(selector, text).first.click()

    def agrees(self) -> None:
        """The page asks again before something that cannot be undone."""
        self.presses("#confirm-dialog[open] button[value=yes]")

    def map_is_drawn(self) -> None:
        """The map has loaded what it shows."""
        self.page.locator("[data-map] canvas.maplibregl-canvas").first.wait_for(state="visible")
        self.page.wait_for_timeout(600)

    # --- judging

    def judge(self, name: str, *, at: tuple[int, ...] = (390, 1280, 1920), axe: bool = True) -> None:
        """Nothing sticks out to the right at these widths, and nobody is shut out (axe); a picture if asked for."""
        for width in at:
            self.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
            self.page.evaluate(SETTLED)
            over = self.page.evaluate(STATES_OF_OVERFLOW)
            if over > 0:
                self.problems.append(f"{name} at {width}: {over} pixels too wide")
            if axe and width in (390, 1280):
                self._judge_access(f"{name} at {width}")
            if SCREENSHOTS:
                folder = Path(SCREENSHOTS)
                folder.mkdir(parents=True, exist_ok=True)
                self.page.wait_for_timeout(700)
                self.page.screenshot(path=folder / f"{name}-{width}.png")
        self.page.set_viewport_size({"width": self.width, "height": HEIGHTS[self.width]})

    def _judge_access(self, where: str) -> None:
        """What is found twice: a page that is just being refreshed is paler for a moment."""
        if self._violations(where):
            self.page.wait_for_timeout(700)
            self.problems += self._violations(where)

    def _violations(self, where: str) -> list[str]:
        found = []
        for violation in Axe().run(self.page).response["violations"]:
            if violation["impact"] in GRAVE:
                for node in violation["nodes"][:3]:
                    why = " ".join(one["message"] for one in [*node["any"], *node["all"]])
                    found.append(f"{where}: {violation['id']} {node['target']} {why}")
        return found

    def leave(self) -> list[str]:
        self.context.close()
        return self.problems
