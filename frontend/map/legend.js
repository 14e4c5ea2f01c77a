// The legend says what is drawn, how many, and switches each layer.
import { imageFor, IMAGE_PIXEL_RATIO } from "./images.js";
import { say } from "../texts.js";

const SIGNS = { sites: "site|centre", vans: "van|driving", incidents: "incident|LOCAL", stops: "stop|moved|0|1", suspensions: "pattern|suspension" };

export function fillLegend(element, shown, palette) {
  const legend = element.querySelector("[data-map-legend]");
  const kinds = [...shown.data.keys()].filter((kind) => shown.unread.has(kind) || shown.data.get(kind).features.length > 0);
  legend.querySelector("ul").replaceChildren(...kinds.map((kind) => entry(kind, shown, palette)));
  if (legend.hidden) legend.open = element.clientWidth > 900;
  legend.hidden = kinds.length === 0;
}

function entry(kind, shown, palette) {
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = !shown.hidden.has(kind);
  box.addEventListener("change", async () => {
    await shown.toggle(kind, box.checked);
    tell();
  });
  const name = document.createElement("span");
  name.textContent = shown.manifest.layers[kind].label ?? say(`map_${kind}`);
  const count = document.createElement("span");
  count.className = "cb-count";
  const tell = () => {
    if (!shown.unread.has(kind)) count.textContent = shown.data.get(kind).features.length.toLocaleString("en-US");
  };
  tell();
  const line = document.createElement("label");
  line.append(box, swatch(kind, shown, palette), name, count);
  const item = document.createElement("li");
  item.append(line);
  return item;
}

function swatch(kind, shown, palette) {
  const element = document.createElement("canvas");
  element.width = 30 * IMAGE_PIXEL_RATIO;
  element.height = 18 * IMAGE_PIXEL_RATIO;
  element.setAttribute("aria-hidden", "true");
  const pen = element.getContext("2d");
  pen.scale(IMAGE_PIXEL_RATIO, IMAGE_PIXEL_RATIO);
  const first = shown.data.get(kind).features[0]?.properties ?? {};
  const sign = kind === "warnings" ? `pattern|${first.colour}` : SIGNS[kind];
  if (sign) imageFor(sign, palette).then((image) => stamp(pen, image, sign.startsWith("pattern")));
  else shape(pen, kind, palette);
  return element;
}

function stamp(pen, image, tiled) {
  const stencil = document.createElement("canvas");
  stencil.width = image.width;
  stencil.height = image.height;
  stencil.getContext("2d").putImageData(image, 0, 0);
  if (tiled) {
    pen.scale(1 / IMAGE_PIXEL_RATIO, 1 / IMAGE_PIXEL_RATIO);
    pen.fillStyle = pen.createPattern(stencil, "repeat");
    pen.fillRect(0, 0, 30 * IMAGE_PIXEL_RATIO, 18 * IMAGE_PIXEL_RATIO);
  } else {
    const height = 18;
    const width = (image.width / image.height) * height;
    pen.drawImage(stencil, 15 - width / 2, 0, width, height);
  }
}

function shape(pen, kind, palette) {
  const colour = { districts: palette.border, streets: palette.mainStreet, lines: palette.line, before: palette.before, after: palette.turns[0], retailers: palette.retailer, places: palette.text }[kind];
  pen.strokeStyle = pen.fillStyle = colour;
  if (kind === "retailers" || kind === "places") {
    for (const [x, y] of kind === "places" ? [[15, 9]] : [[7, 6], [15, 12], [23, 7]]) {
      pen.beginPath();
      pen.arc(x, y, 3, 0, 7);
      pen.fill();
    }
    return;
  }
  pen.lineWidth = kind === "after" ? 4 : 2.5;
  pen.setLineDash(kind === "before" ? [5, 4] : kind === "districts" ? [6, 3] : []);
  pen.beginPath();
  pen.moveTo(2, 9);
  pen.lineTo(28, 9);
  pen.stroke();
}
