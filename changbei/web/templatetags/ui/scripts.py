"""What the scripts of a page work with: the words they show, and the map."""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

register = template.Library()

_TEXTS = {
    "left": _("%(time)s left"),
    "over": _("%(time)s over"),
    "days": _("%(days)d d %(hours)d h"),
    "failed": _("That did not work (%(status)s). Nothing was changed."),
    "offline": _("No connection to the server. What you see may be old."),
    "away": _("The database does not answer. What you see may be old; what you send now is not recorded."),
    "sent": _("Everything is sent. The list is of %(time)s."),
    "toSend": _("%(count)d waiting to be sent."),
    "noCoverage": _("No coverage: %(count)d waiting to be sent. Go on; it is kept on this phone."),
    "unkept": _("%(count)d waiting to be sent. This phone cannot keep it: do not close this page."),
    "noCoverageList": _("No coverage. The list is of %(time)s."),
    "placeOfNext": _("No position: the place of your next customer is reported."),
    "sharing": _("The dispatchers see this van's place."),
    "notSharing": _("Nobody sees where this phone is."),
    "driven": _("%(done)d of %(total)d stops done"),
    "engine": _("The engine has stood still for %(time)s: deadlines and messages are not moving."),
    "close": _("Close"),
    "copied": _("Copied."),
    "notCopied": _("Marked; copy it with the keyboard or the menu."),
    "locating": _("Finding your position…"),
    "located": _("Position taken, accurate to %(metres)d m."),
    "locationDenied": _("The phone does not give its position. Pick the place on the map, or describe it."),
    "photoRemove": _("Remove this photo"),
    "photoUnreadable": _("%(name)s is not a picture that can be read."),
    "pickHint": _("Tap the map where it happened."),
    "picked": _("Place picked: %(latitude)s, %(longitude)s"),
    "drawHint": _("Tap the corners of the area one after another."),
    "drawn": _("Area with %(corners)d corners."),
    "addCorner": _("Corner at the middle of the map"),
    "pickMiddle": _("Take the middle of the map"),
    "undo": _("Undo"),
    "clear": _("Clear"),
    "layers": _("Layers"),
    "wholeCity": _("Whole city"),
    "mapFailed": _("The map cannot be drawn in this browser. The list beside it shows the same."),
    "sourceFailed": _("Part of the map could not be loaded: %(name)s"),
    "zoomIn": _("Zoom in"),
    "zoomOut": _("Zoom out"),
    "open": _("Open"),
    "map_districts": _("Districts"),
    "map_warnings": _("Weather warnings"),
    "map_suspensions": _("Service suspended"),
    "map_streets": _("Streets"),
    "map_lines": _("Delivery lines"),
    "map_retailers": _("Retailers"),
    "map_before": _("Before"),
    "map_after": _("After"),
    "map_stops": _("Stops concerned"),
    "map_sites": _("Sites"),
    "map_vans": _("Vans"),
    "map_incidents": _("Incidents"),
    "map_places": _("Places"),
}


@register.simple_tag
def script_texts() -> SafeString:
    """The words that scripts show, in the reader's language, as a data block."""
    return json_script({name: str(words) for name, words in _TEXTS.items()}, "script-texts")


@register.inclusion_tag("web/parts/map.html")
def map_box(
    url: str,
    label: str,
    id: str = "map",
    pick: str = "",
    draw: str = "",
    focus: str = "",
    size: str = "",
    off: str = "",
    latitude: str = "",
    longitude: str = "",
) -> dict[str, object]:
    """The map: `url` answers with the layers (docs/frontend.md).

    `pick` and `draw` select the hidden input that gets a GeoJSON point or polygon; `latitude` and `longitude`
    select inputs for a picked place in degrees. `off` names layers hidden at first, `focus` is
    "longitude,latitude,zoom".
    """
    return {
        "url": url,
        "label": label,
        "id": id,
        "data": {
            "pick": pick,
            "draw": draw,
            "latitude": latitude,
            "longitude": longitude,
            "focus": focus,
            "size": size,
            "off": off,
        },
    }


@register.simple_tag
def map_assets() -> SafeString:
    """Style and script of the map; once, in the block `head` of pages that show one."""
    return format_html(
        '<link rel="stylesheet" href="{}"><meta name="map-worker" content="{}">'
        '<script type="module" src="{}"></script>',
        static("built/map.css"),
        static("built/map-worker.js"),
        static("built/map.js"),
    )
