// How each kind of data is drawn. The order of KINDS is the order of drawing, the first lies lowest.

/** Colours that people with colour-blindness tell apart; vans and lines take them in turn, and carry their names as well. */
const TURNS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#7a5cc4", "#b58900", "#3a9bd9", "#8c564b"];
const TURNS_DARK = ["#5db4ec", "#ff8f4a", "#3fd6a8", "#f0a9cf", "#b39cf2", "#e3c04d", "#8fd0ff", "#d1a08f"];

export const WARNINGS = { blue: "#1f6fd6", yellow: "#f5c400", orange: "#f07f00", red: "#d41414" };

export function colours(dark) {
  return dark
    ? {
        dark, ground: "#101b22", district: "#16242d", border: "#3b5260", street: "#24353f", mainStreet: "#314652", text: "#dbe6ec", faint: "#93a7b4",
        halo: "#101b22", retailer: "#7f98a6", served: "#3fd6a8", waiting: "#5db4ec", affected: "#ffb020", unserved: "#ff6a5f", line: "#6f8996",
        before: "#c3ced5", site: "#4dbfc8", van: "#e3ebf0", bad: "#ff6a5f", turns: TURNS_DARK, paper: "#14212a", suspension: "#c9a2ff",
      }
    : {
        dark, ground: "#e9eef1", district: "#f8fafb", border: "#9db0bc", street: "#dbe3e8", mainStreet: "#c4d0d8", text: "#20323d", faint: "#5a6d79",
        halo: "#ffffff", retailer: "#6c8290", served: "#12805c", waiting: "#1f6fb5", affected: "#d97a00", unserved: "#c81e14", line: "#8298a5",
        before: "#46565f", site: "#0b6e78", van: "#14212b", bad: "#c81e14", turns: TURNS, paper: "#ffffff", suspension: "#6b3fa0",
      };
}

export const KINDS = {
  districts: districts, warnings: warnings, suspensions: suspensions, streets: streets, lines: lines, retailers: retailers,
  before: before, after: after, stops: stops, sites: sites, vans: vans, incidents: incidents, places: places,
};

export function layersOf(kind, palette) {
  return KINDS[kind](palette);
}

/** Ids of the layers whose features tell something when they are tapped, topmost kind first. */
export function clickable(map) {
  const kinds = ["incidents", "vans", "stops", "sites", "retailers", "after", "before", "lines", "suspensions", "warnings"];
  const layers = map.getStyle().layers.filter((layer) => !layer.id.endsWith("-label"));
  return kinds.flatMap((kind) => layers.filter((layer) => layer.metadata?.kind === kind).map((layer) => layer.id));
}

const name = ["coalesce", ["get", "name"], ""];
const turnNumber = (palette) => ["%", ["to-number", ["get", "index"], 0], palette.turns.length];
const turn = (palette) => ["match", turnNumber(palette), ...palette.turns.flatMap((colour, n) => [n, colour]), palette.line];
const label = (style) => ["concat", "label", "|", style, "|", name];
const byZoom = (...stops) => ["interpolate", ["linear"], ["zoom"], ...stops];
const round = { "line-cap": "round", "line-join": "round" };

function text(id, style, layout = {}, more = {}) {
  const image = { "icon-image": label(style), "icon-optional": false, "icon-padding": 3, ...layout };
  return { id, type: "symbol", filter: ["!=", name, ""], above: 2, ...more, layout: image };
}

function districts(palette) {
  return [
    { id: "districts", type: "fill", paint: { "fill-color": palette.district } },
    { id: "districts-border", type: "line", layout: round, paint: { "line-color": palette.border, "line-width": byZoom(8, 1, 13, 2), "line-dasharray": [4, 2] } },
    text("districts-label", "district", { "icon-allow-overlap": false, "symbol-sort-key": 9 }, { maxzoom: 12.5 }),
  ];
}

function warnings() {
  const colour = ["match", ["get", "colour"], ...Object.entries(WARNINGS).flat(), "#777777"];
  return [
    { id: "warnings", type: "fill", paint: { "fill-pattern": ["concat", "pattern|", ["get", "colour"]] } },
    { id: "warnings-edge", type: "line", layout: round, paint: { "line-color": colour, "line-width": 2.5 } },
    text("warnings-label", "warning", { "icon-allow-overlap": true }, { above: 3 }),
  ];
}

function suspensions(palette) {
  return [
    { id: "suspensions", type: "fill", paint: { "fill-pattern": "pattern|suspension" } },
    { id: "suspensions-edge", type: "line", layout: round, paint: { "line-color": palette.suspension, "line-width": 2.5, "line-dasharray": [2, 1.5] } },
    text("suspensions-label", "suspension", { "icon-allow-overlap": true }, { above: 3 }),
  ];
}

function streets(palette) {
  const main = ["==", ["get", "class"], "main"];
  return [
    { id: "streets", type: "line", filter: ["!", main], minzoom: 10.5, layout: round, paint: { "line-color": palette.street, "line-width": byZoom(10, 0.5, 15, 4) } },
    { id: "streets-main", type: "line", filter: main, layout: round, paint: { "line-color": palette.mainStreet, "line-width": byZoom(8, 0.8, 12, 2, 15, 7) } },
  ];
}

function lines(palette) {
  const chosen = ["has", "index"];
  return [
    { id: "lines", type: "line", layout: round, paint: { "line-color": ["case", chosen, turn(palette), palette.line], "line-width": byZoom(8, 1, 13, 2.5), "line-opacity": 0.75 } },
  ];
}

function retailers(palette) {
  const state = ["coalesce", ["get", "state"], ""];
  const colour = ["match", state, "served", palette.served, "waiting", palette.waiting, "affected", palette.affected, "unserved", palette.unserved, "cancelled", palette.faint, palette.retailer];
  const marked = ["match", state, ["affected", "unserved"], 1.7, "cancelled", 0.7, 1];
  return [
    {
      id: "retailers", type: "circle",
      layout: { "circle-sort-key": ["match", state, "unserved", 3, "affected", 2, "waiting", 1, 0] },
      paint: {
        "circle-color": colour,
        "circle-radius": byZoom(8, ["*", 1.1, marked], 11, ["*", 2, marked], 14, ["*", 4.5, marked], 17, ["*", 8, marked]),
        "circle-stroke-color": palette.paper,
        "circle-stroke-width": byZoom(10, 0, 12, 0.6, 15, 1.5),
        "circle-opacity": byZoom(8, 0.75, 12, 0.95),
      },
    },
    text("retailers-label", "small", { "icon-anchor": "top", "icon-offset": [0, 7] }, { minzoom: 15.5 }),
  ];
}

function before(palette) {
  return [
    { id: "before", type: "line", layout: { "line-join": "round" }, paint: { "line-color": palette.before, "line-width": byZoom(9, 2, 14, 4), "line-dasharray": [2.2, 1.8] } },
  ];
}

function after(palette) {
  return [
    { id: "after-casing", type: "line", layout: round, paint: { "line-color": palette.halo, "line-width": byZoom(9, 4.5, 14, 9) } },
    { id: "after", type: "line", layout: round, paint: { "line-color": turn(palette), "line-width": byZoom(9, 2.5, 14, 5.5) } },
    text("after-label", "tag", { "symbol-placement": "line-center", "icon-rotation-alignment": "viewport", "icon-allow-overlap": true }, { above: 3 }),
  ];
}

function stops(palette) {
  const sign = ["concat", "stop|", ["get", "state"], "|", ["to-string", turnNumber(palette)], "|", ["to-string", ["coalesce", ["get", "sequence"], ""]]];
  return [
    {
      id: "stops", type: "symbol", above: 1,
      layout: {
        "icon-image": sign, "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-size": byZoom(9, 0.45, 12, 0.8, 14, 1),
        "symbol-sort-key": ["match", ["get", "state"], "unserved", 3, "moved", 2, "kept", 1, 0],
      },
    },
  ];
}

function sites(palette) {
  const centre = ["==", ["get", "kind"], "delivery_center"];
  return [
    { id: "sites", type: "symbol", above: 1, layout: { "icon-image": ["case", centre, "site|centre", "site|station"], "icon-allow-overlap": true, "icon-size": byZoom(8, 0.75, 12, 1), "symbol-sort-key": 1 } },
    text("sites-label", "site", { "icon-anchor": "top", "icon-offset": [0, 13], "symbol-sort-key": 1 }),
  ];
}

function vans() {
  return [
    { id: "vans", type: "symbol", above: 1, layout: { "icon-image": ["concat", "van|", ["coalesce", ["get", "state"], "driving"]], "icon-allow-overlap": true, "icon-size": byZoom(8, 0.7, 12, 1) } },
    text("vans-label", "small", { "icon-anchor": "top", "icon-offset": [0, 14], "symbol-sort-key": 3 }, { minzoom: 10 }),
  ];
}

function incidents() {
  return [
    { id: "incidents", type: "symbol", above: 3, layout: { "icon-image": ["concat", "incident|", ["coalesce", ["get", "level"], ""]], "icon-allow-overlap": true, "icon-anchor": "bottom" } },
    text("incidents-label", "strong", { "icon-anchor": "top", "icon-offset": [0, 3], "icon-allow-overlap": true }, { above: 3 }),
  ];
}

// city and county names always, towns when there is room, villages close by
function places() {
  const kind = ["coalesce", ["get", "kind"], "village"];
  const rank = ["match", kind, "city", 0, "county", 1, "town", 4, 8];
  const of = (id, kinds, style, minzoom) =>
    text(id, style, { "symbol-sort-key": rank }, { filter: ["in", kind, ["literal", kinds]], minzoom });
  return [
    of("places-town-label", ["town"], "town", 9.3),
    of("places-village-label", ["village"], "small", 12),
    of("places-city-label", ["city", "county"], "city", 0),
  ];
}
