// Picking a place and drawing an area by taps. Both also work from the keyboard: move the map, take its middle.
import { say } from "../texts.js";
import { closedRing, openRing } from "./geometry.js";

const SOURCE = "drawn";

export function startTools(element, map, maplibre) {
  const { pick, latitude, longitude, draw } = element.dataset;
  if (draw) return new AreaTool(element, map, maplibre);
  if (pick || (latitude && longitude)) return new PlaceTool(element, map, maplibre);
  return { active: false, take: () => false, place: () => {}, redraw: () => {} };
}

class Tool {
  constructor(element, map, maplibre) {
    Object.assign(this, { element, map, maplibre, active: true });
    this.hint = element.querySelector("[data-map-hint]");
    this.bar = element.querySelector("[data-map-tools]");
    this.hint.hidden = this.bar.hidden = false;
    const cross = document.createElement("div");
    cross.className = "cb-crosshair";
    element.append(cross);
  }

  button(text, act, tone = "plain") {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `btn cb-btn-${tone}`;
    button.textContent = text;
    button.addEventListener("click", act);
    this.bar.append(button);
    return button;
  }

  write(selector, value) {
    const input = selector && document.querySelector(selector);
    if (!input || input.value === value) return;
    input.value = value;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  redraw() {}
}

class PlaceTool extends Tool {
  constructor(...parts) {
    super(...parts);
    this.hint.textContent = say("pickHint");
    this.button(say("pickMiddle"), () => this.take(this.map.getCenter()));
    const { pick, latitude, longitude } = this.element.dataset;
    const point = pick && document.querySelector(pick)?.value;
    const [x, y] = point ? JSON.parse(point).coordinates : [read(longitude), read(latitude)];
    if (Number.isFinite(x) && Number.isFinite(y)) this.place(x, y);
  }

  take({ lng, lat }) {
    this.place(lng, lat);
    return true;
  }

  place(longitude, latitude) {
    const [x, y] = [Number(longitude.toFixed(6)), Number(latitude.toFixed(6))];
    if (!this.marker) {
      this.marker = new this.maplibre.Marker({ draggable: true, color: "#b3160f" });
      this.marker.on("dragend", () => this.take(this.marker.getLngLat()));
    }
    this.marker.setLngLat([x, y]).addTo(this.map);
    this.write(this.element.dataset.pick, JSON.stringify({ type: "Point", coordinates: [x, y] }));
    this.write(this.element.dataset.longitude, String(x));
    this.write(this.element.dataset.latitude, String(y));
    this.hint.textContent = say("picked", { latitude: y.toFixed(5), longitude: x.toFixed(5) });
  }
}

class AreaTool extends Tool {
  constructor(...parts) {
    super(...parts);
    this.corners = [];
    this.button(say("addCorner"), () => this.take(this.map.getCenter()));
    this.button(say("undo"), () => this.undo());
    this.button(say("clear"), () => this.clear());
    const written = document.querySelector(this.element.dataset.draw)?.value;
    if (written) openRing(JSON.parse(written)).forEach(([lng, lat]) => this.corner(lng, lat));
    this.change();
  }

  take({ lng, lat }) {
    this.corner(lng, lat);
    this.change();
    return true;
  }

  place() {}

  corner(lng, lat) {
    const dot = document.createElement("div");
    dot.className = "cb-corner";
    const marker = new this.maplibre.Marker({ element: dot, draggable: true }).setLngLat([lng, lat]).addTo(this.map);
    marker.on("drag", () => this.redraw());
    marker.on("dragend", () => this.change());
    this.corners.push(marker);
  }

  undo() {
    this.corners.pop()?.remove();
    this.change();
  }

  clear() {
    this.corners.splice(0).forEach((marker) => marker.remove());
    this.change();
  }

  positions() {
    return this.corners.map((marker) => marker.getLngLat()).map(({ lng, lat }) => [Number(lng.toFixed(6)), Number(lat.toFixed(6))]);
  }

  change() {
    const polygon = closedRing(this.positions());
    this.write(this.element.dataset.draw, polygon ? JSON.stringify(polygon) : "");
    this.hint.textContent = polygon ? say("drawn", { corners: this.corners.length }) : say("drawHint");
    this.redraw();
  }

  /** The area so far; also after a change of theme took the layers away. */
  redraw() {
    const positions = this.positions();
    const geometry = closedRing(positions) ?? { type: "LineString", coordinates: positions };
    const data = { type: "Feature", properties: {}, geometry };
    const source = this.map.getSource(SOURCE);
    if (source) return source.setData(data);
    this.map.addSource(SOURCE, { type: "geojson", data });
    this.map.addLayer({ id: "drawn-fill", type: "fill", source: SOURCE, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": "#8a4fd0", "fill-opacity": 0.2 } });
    this.map.addLayer({ id: "drawn-edge", type: "line", source: SOURCE, paint: { "line-color": "#8a4fd0", "line-width": 3 } });
  }
}

function read(selector) {
  const text = selector && document.querySelector(selector)?.value;
  return text ? Number(text) : NaN;
}
