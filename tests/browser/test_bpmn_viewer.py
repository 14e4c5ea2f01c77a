"""The BPMN files open in a standard viewer (bpmn-js) in a real browser: no warning, and everything drawn."""

from __future__ import annotations

import pytest
from django.conf import settings
from playwright.sync_api import Browser

from changbei.plans import loading
from changbei.plans.bpmn.write import bpmn

VIEWER = settings.ROOT / "node_modules" / "bpmn-js" / "dist" / "bpmn-viewer.production.min.js"
PAGE = (
    '<!doctype html><html><body><div id="viewer" style="width: 1600px; height: 1000px"></div></body></html>'
)
OPEN = """async (text) => {
  const viewer = new BpmnJS({ container: "#viewer" });
  const { warnings } = await viewer.importXML(text);
  const canvas = viewer.get("canvas");
  canvas.zoom("fit-viewport");
  const root = canvas.getRootElement();
  const drawn = viewer.get("elementRegistry").filter((one) => one.type !== "label" && one !== root);
  const found = {
    warnings: warnings.map((one) => one.message),
    drawn: drawn.length,
    stages: drawn.filter((one) => one.type === "bpmn:SubProcess").map((one) => one.businessObject.name).sort(),
  };
  viewer.destroy();
  return found;
}"""


@pytest.mark.browser
@pytest.mark.skipif(not VIEWER.is_file(), reason="bpmn-js is not installed: run `make setup`")
def test_a_standard_viewer_opens_every_shipped_procedure(chromium: Browser) -> None:
    folder = settings.PLANS / "customer-service-emergency"
    pack = loading.load_pack(loading.read_folder(folder), check_actions=False)
    page = chromium.new_page(viewport={"width": 1600, "height": 1000})
    page.set_content(PAGE)
    page.add_script_tag(content=VIEWER.read_text(encoding="utf-8"))
    for procedure in pack.procedures.values():
        text = bpmn(pack, procedure, "zh-Hans").decode()
        assert page.evaluate(OPEN, text) == {
            "warnings": [],
            "drawn": text.count("<bpmndi:BPMNShape") + text.count("<bpmndi:BPMNEdge"),
            "stages": sorted(stage.title["zh-Hans"] for stage in procedure.stages),
        }
    page.close()
