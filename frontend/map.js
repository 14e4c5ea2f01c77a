// <div data-map data-sources="URL"> draws what the URL answers with; see docs/frontend.md for attributes and properties.
// Our own data only: no tiles, no glyphs, no sprites from anywhere. Labels and signs are small canvases.
import * as maplibre from "maplibre-gl";
import { KINDS, colours, layersOf, clickable } from "./map/layers.js";
import { imageFor, IMAGE_PIXEL_RATIO } from "./map/images.js";
import { fillLegend } from "./map/legend.js";
import { popupContent } from "./map/popup.js";
import { startTools } from "./map/tools.js";
import { say } from "./texts.js";

maplibre.setWorkerUrl(document.querySelector('meta[name="map-worker"]').content);

const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const isDark = () => document.documentElement.dataset.bsTheme === "dark";
const RAISED = { incidents: 42, vans: 14, sites: 14, stops: 12 }; // pixels by which the sign stands above its place
const NOTHING = { type: "FeatureCollection", features: [] };

class PlanMap {
  constructor(element) {
    this.element = element;
    this.data = new Map();
    this.hidden = new Set((element.dataset.off ?? "").split(/[\s,]+/).filter(Boolean));
    this.unread = new Set();
    this.timers = [];
    element.changbeiMap = this;
  }

  async start() {
    const manifest = await this.fetchJson(this.element.dataset.sources);
    if (!manifest) return this.fail(say("sourceFailed", { name: this.element.getAttribute("aria-label") }));
    this.manifest = manifest;
    await this.loadAll();
    try {
      this.map = this.create();
    } catch {
      return this.fail(say("mapFailed"));
    }
    this.map.once("load", () => this.ready());
  }

  create() {
    const canvas = this.element.querySelector("[data-map-canvas]");
    const map = new maplibre.Map({
      container: canvas,
      style: this.style(),
      bounds: this.manifest.bounds,
      fitBoundsOptions: { padding: 24 },
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      maxZoom: 18,
      fadeDuration: calm.matches ? 0 : 150,
      renderWorldCopies: false,
      cooperativeGestures: false,
      locale: { "NavigationControl.ZoomIn": say("zoomIn"), "NavigationControl.ZoomOut": say("zoomOut"), "Map.Title": this.element.getAttribute("aria-label") ?? "" },
    });
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new maplibre.ScaleControl({ maxWidth: 110 }), "bottom-right");
    map.setMissingStyleImageResolver(async (id) => {
      const image = await imageFor(id, colours(isDark()));
      if (image && !map.hasImage(id)) map.addImage(id, image, { pixelRatio: IMAGE_PIXEL_RATIO });
    });
    return map;
  }

  /** The whole style from the data at hand; setStyle with it is also how the theme changes. */
  style() {
    const palette = colours(isDark());
    const kinds = Object.keys(KINDS).filter((kind) => this.data.has(kind));
    const sources = {};
    for (const kind of kinds) sources[kind] = { type: "geojson", data: this.data.get(kind), tolerance: 0.5 };
    const layers = [{ id: "ground", type: "background", paint: { "background-color": palette.ground } }];
    for (const kind of kinds) {
      for (const layer of layersOf(kind, palette)) {
        const layout = { ...layer.layout, visibility: this.hidden.has(kind) ? "none" : "visible" };
        layers.push({ source: kind, ...layer, layout, metadata: { kind } });
      }
    }
    // places are told apart by their labels, which lie above everything
    layers.sort((a, b) => (a.above ?? 0) - (b.above ?? 0));
    for (const layer of layers) delete layer.above;
    return { version: 8, sources, layers };
  }

  ready() {
    const { element, map } = this;
    this.tools = startTools(element, map, maplibre);
    fillLegend(element, this, colours(isDark()));
    this.listen();
    for (const [kind, { refresh_seconds: seconds }] of Object.entries(this.manifest.layers)) {
      if (seconds) this.timers.push(setInterval(() => document.hidden || this.hidden.has(kind) || this.renew(kind), seconds * 1000));
    }
    const focus = (element.dataset.focus ?? "").split(",").map(Number);
    if (focus.length >= 2 && focus.every(Number.isFinite)) this.go(focus[0], focus[1], focus[2] ?? 14);
    element.dataset.ready = "yes";
    element.dispatchEvent(new CustomEvent("changbei:map-ready", { bubbles: true, detail: { map } }));
  }

  listen() {
    const { map } = this;
    map.on("click", (event) => {
      if (this.tools.take(event.lngLat)) return;
      const around = 6;
      const box = [
        [event.point.x - around, event.point.y - around],
        [event.point.x + around, event.point.y + around],
      ];
      const [found] = map.queryRenderedFeatures(box, { layers: clickable(map) });
      if (found) this.tell(found, event.lngLat);
    });
    map.on("mousemove", (event) => {
      const over = map.queryRenderedFeatures(event.point, { layers: clickable(map) }).length > 0;
      map.getCanvas().style.cursor = this.tools.active ? "crosshair" : over ? "pointer" : "";
    });
    this.themeChange = new MutationObserver(() => this.restyle());
    this.themeChange.observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  }

  restyle() {
    this.map.setStyle(this.style(), { diff: false });
    fillLegend(this.element, this, colours(isDark()));
    this.map.once("styledata", () => this.tools.redraw());
  }

  tell(feature, where) {
    const content = popupContent(feature.properties);
    if (!content) return;
    const at = feature.geometry.type === "Point" ? feature.geometry.coordinates : where;
    this.popup?.remove();
    this.popup = new maplibre.Popup({ maxWidth: "300px", offset: RAISED[feature.source] ?? 6 }).setLngLat(at).setDOMContent(content).addTo(this.map);
  }

  go(longitude, latitude, zoom = Math.max(this.map.getZoom(), 14)) {
    const view = { center: [longitude, latitude], zoom };
    if (calm.matches) this.map.jumpTo(view);
    else this.map.easeTo({ ...view, duration: 600 });
  }

  async toggle(kind, shown) {
    if (shown) this.hidden.delete(kind);
    else this.hidden.add(kind);
    if (shown && this.unread.has(kind)) await this.renew(kind);
    const visibility = this.hidden.has(kind) ? "none" : "visible"; // as it is wanted by now
    for (const layer of this.map.getStyle().layers) {
      if (layer.metadata?.kind === kind) this.map.setLayoutProperty(layer.id, "visibility", visibility);
    }
  }

  /** Everything but what is switched off and would have to be fetched: that comes when it is switched on. */
  async loadAll() {
    const kinds = Object.entries(this.manifest.layers);
    this.unread = new Set(kinds.filter(([kind, { data }]) => this.hidden.has(kind) && !data).map(([kind]) => kind));
    for (const kind of this.unread) this.data.set(kind, NOTHING);
    await Promise.all(kinds.filter(([kind]) => !this.unread.has(kind)).map(([kind]) => this.load(kind)));
  }

  async load(kind) {
    this.unread.delete(kind);
    const { url, data } = this.manifest.layers[kind];
    const found = data ?? (await this.fetchJson(url));
    if (!found) document.dispatchEvent(new CustomEvent("changbei:toast", { detail: { text: say("sourceFailed", { name: say(`map_${kind}`) }), tone: "bad" } }));
    this.data.set(kind, found ?? this.data.get(kind) ?? NOTHING);
  }

  async renew(kind) {
    await this.load(kind);
    this.map.getSource(kind)?.setData(this.data.get(kind));
  }

  /** Ask for everything again: after an option was chosen, or when the page was told that something changed. */
  async refresh() {
    const manifest = await this.fetchJson(this.element.dataset.sources);
    if (!manifest) return;
    this.manifest = manifest;
    this.data.clear();
    await this.loadAll();
    this.restyle();
  }

  async fetchJson(url) {
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  fail(text) {
    const words = document.createElement("p");
    words.className = "cb-map-failed";
    words.textContent = text;
    this.element.replaceChildren(words);
    this.element.dataset.ready = "failed";
  }

  end() {
    this.timers.forEach(clearInterval);
    this.themeChange?.disconnect();
    this.map?.remove();
  }
}

function startIn(root) {
  const found = [...(root.matches?.("[data-map]") ? [root] : []), ...root.querySelectorAll("[data-map]")];
  for (const element of found) if (!element.changbeiMap) new PlanMap(element).start();
}

function mapFor(control) {
  return document.querySelector(control?.dataset.mapTarget ?? "[data-map]")?.changbeiMap;
}

document.addEventListener("click", (event) => {
  const control = event.target.closest("[data-map-focus]");
  if (!control) return;
  const [longitude, latitude, zoom] = control.dataset.mapFocus.split(",").map(Number);
  const shown = mapFor(control);
  if (!shown?.map) return;
  shown.go(longitude, latitude, zoom);
  shown.element.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
});
// data-map-sources="URL" has the map (data-map-target) draw what another address answers with
document.addEventListener("click", (event) => {
  const control = event.target.closest("[data-map-sources]");
  const shown = control && mapFor(control);
  if (!shown?.map || shown.element.dataset.sources === control.dataset.mapSources) return;
  shown.element.dataset.sources = control.dataset.mapSources;
  shown.refresh();
});
document.addEventListener("changbei:map-refresh", () => {
  document.querySelectorAll("[data-map]").forEach((element) => element.changbeiMap?.refresh());
});
document.addEventListener("changbei:located", (event) => {
  const shown = document.querySelector("[data-map][data-pick], [data-map][data-latitude]")?.changbeiMap;
  if (!shown?.map) return;
  shown.go(event.detail.longitude, event.detail.latitude);
  shown.tools?.place(event.detail.longitude, event.detail.latitude); // not ready yet: it reads the position when it starts
});
document.addEventListener("htmx:load", (event) => startIn(event.detail.elt));
document.addEventListener("htmx:beforeCleanupElement", (event) => event.detail.elt.changbeiMap?.end());
startIn(document);
