// Signs, patterns and labels, drawn when the map first asks for them by name. The map places them and keeps them apart.
import { WARNINGS } from "./layers.js";

export const IMAGE_PIXEL_RATIO = Math.min(3, Math.max(2, Math.ceil(window.devicePixelRatio || 1)));

/** The picture named `id` (kind|part|part…), or null when there is none of that kind. */
export async function imageFor(id, palette) {
  const [kind, ...parts] = id.split("|");
  if (kind === "label") await fontFor(parts.slice(1).join("|"));
  const draw = { label, pattern, stop, site, van, incident }[kind];
  return draw ? draw(palette, ...parts) : null;
}

// On a machine without Chinese fonts the slice with these signs has to arrive before they are drawn.
async function fontFor(text) {
  try {
    await document.fonts.load(`14px ${family}`, text);
  } catch {
    // drawn with whatever is there
  }
}

function canvas(width, height) {
  const element = document.createElement("canvas");
  element.width = Math.ceil(width * IMAGE_PIXEL_RATIO);
  element.height = Math.ceil(height * IMAGE_PIXEL_RATIO);
  const pen = element.getContext("2d", { willReadFrequently: true });
  pen.scale(IMAGE_PIXEL_RATIO, IMAGE_PIXEL_RATIO);
  return pen;
}

const picture = (pen) => pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height);
const family = getComputedStyle(document.body).fontFamily;

const LABELS = {
  city: { size: 15, weight: 700, colour: "text" },
  district: { size: 14, weight: 600, colour: "faint" },
  town: { size: 12.5, weight: 500, colour: "text" },
  site: { size: 12.5, weight: 700, colour: "site" },
  strong: { size: 12.5, weight: 700, colour: "bad" },
  small: { size: 11.5, weight: 400, colour: "text" },
  tag: { size: 11.5, weight: 600, colour: "text", boxed: true },
  warning: { size: 12.5, weight: 700, colour: "text", boxed: true },
  suspension: { size: 12.5, weight: 700, colour: "suspension", boxed: true },
};

function label(palette, style, ...rest) {
  const text = rest.join("|");
  const look = LABELS[style] ?? LABELS.small;
  const font = `${look.weight} ${look.size}px ${family}`;
  const ruler = canvas(1, 1);
  ruler.font = font;
  const pad = look.boxed ? 6 : 3;
  const width = ruler.measureText(text).width + 2 * pad;
  const height = look.size * 1.3 + (look.boxed ? 6 : 4);
  const pen = canvas(width, height);
  pen.font = font;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  if (look.boxed) {
    pen.fillStyle = palette.paper;
    pen.strokeStyle = palette.border;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.roundRect(0.5, 0.5, width - 1, height - 1, 4);
    pen.fill();
    pen.stroke();
  } else {
    pen.lineWidth = 3.5;
    pen.lineJoin = "round";
    pen.strokeStyle = palette.halo;
    pen.strokeText(text, width / 2, height / 2);
  }
  pen.fillStyle = palette[look.colour];
  pen.fillText(text, width / 2, height / 2);
  return picture(pen);
}

// Each colour of warning has a pattern of its own: dots, strokes one way, strokes the other way, a lattice.
function pattern(palette, which) {
  const size = 16;
  const pen = canvas(size, size);
  const colour = which === "suspension" ? palette.suspension : (WARNINGS[which] ?? "#777777");
  pen.globalAlpha = palette.dark ? 0.16 : 0.12;
  pen.fillStyle = colour;
  pen.fillRect(0, 0, size, size);
  pen.globalAlpha = palette.dark ? 0.75 : 0.6;
  pen.strokeStyle = colour;
  pen.lineWidth = 1.6;
  const up = [[-4, 4, 4, -4], [0, 16, 16, 0], [12, 20, 20, 12]];
  const down = up.map(([x1, y1, x2, y2]) => [size - x1, y1, size - x2, y2]);
  const strokes = { yellow: up, orange: down, red: [...up, ...down], suspension: [[0, 8, 16, 8]] }[which] ?? [];
  for (const [x1, y1, x2, y2] of strokes) {
    pen.beginPath();
    pen.moveTo(x1, y1);
    pen.lineTo(x2, y2);
    pen.stroke();
  }
  if (!strokes.length) {
    for (const [x, y] of [[4, 4], [12, 12]]) {
      pen.beginPath();
      pen.arc(x, y, 1.8, 0, 7);
      pen.fill();
    }
  }
  return picture(pen);
}

// driven: a filled dot · kept: a ring · moved: a coloured disc with its new number · unserved: a red cross
function stop(palette, state, index, sequence) {
  const pen = canvas(26, 26);
  const colour = palette.turns[Number(index)] ?? palette.turns[0];
  const disc = (radius, fill, edge, width) => {
    pen.beginPath();
    pen.arc(13, 13, radius, 0, 7);
    pen.fillStyle = fill;
    pen.fill();
    pen.lineWidth = width;
    pen.strokeStyle = edge;
    pen.stroke();
  };
  if (state === "unserved") {
    disc(9, palette.paper, palette.bad, 2.5);
    cross(pen, 13, 13, 4, palette.bad);
  } else if (state === "moved") {
    disc(10.5, colour, palette.halo, 2);
    written(pen, sequence ?? "", 13, 13.5, palette.dark ? "#06131a" : "#ffffff", 11);
  } else if (state === "driven") {
    disc(4.5, palette.before, palette.halo, 1.5);
  } else {
    disc(6, palette.paper, palette.before, 2.5);
  }
  return picture(pen);
}

function site(palette, kind) {
  const pen = canvas(30, 30);
  pen.lineWidth = 2.5;
  pen.strokeStyle = palette.halo;
  pen.fillStyle = palette.site;
  pen.beginPath();
  if (kind === "centre") pen.roundRect(4, 4, 22, 22, 4);
  else pen.roundRect(7, 7, 16, 16, 3);
  pen.fill();
  pen.stroke();
  // a roof over a door
  const [top, side] = kind === "centre" ? [9, 8] : [11, 10];
  pen.strokeStyle = palette.dark ? "#04262a" : "#ffffff";
  pen.lineWidth = kind === "centre" ? 2 : 1.6;
  pen.lineJoin = "round";
  pen.beginPath();
  pen.moveTo(side, 30 - side);
  pen.lineTo(side, top + 5);
  pen.lineTo(15, top);
  pen.lineTo(30 - side, top + 5);
  pen.lineTo(30 - side, 30 - side);
  pen.moveTo(side + 3.5, 30 - side - 4);
  pen.lineTo(30 - side - 3.5, 30 - side - 4);
  pen.stroke();
  return picture(pen);
}

// A van is a disc with a van in it; broken down: red with a cross, reserve: hollow, taking over: in the second colour.
function van(palette, state) {
  const pen = canvas(32, 32);
  const hollow = state === "reserve" || state === "idle";
  const colour = { broken: palette.bad, "taking-over": palette.turns[1], reserve: palette.site, idle: palette.faint }[state] ?? palette.van;
  pen.beginPath();
  pen.arc(16, 16, 12, 0, 7);
  pen.fillStyle = hollow ? palette.paper : colour;
  pen.fill();
  pen.lineWidth = hollow ? 2.5 : 2;
  pen.strokeStyle = hollow ? colour : palette.halo;
  pen.stroke();
  pen.fillStyle = pen.strokeStyle = hollow ? colour : palette.dark ? "#0d171d" : "#ffffff";
  pen.beginPath();
  pen.roundRect(8.5, 11.5, 8.5, 7.5, 1);
  pen.fill();
  pen.beginPath();
  pen.moveTo(17.8, 13.5);
  pen.lineTo(21, 13.5);
  pen.lineTo(23.5, 16.3);
  pen.lineTo(23.5, 19);
  pen.lineTo(17.8, 19);
  pen.closePath();
  pen.fill();
  for (const x of [12, 20]) {
    pen.beginPath();
    pen.arc(x, 19.8, 2, 0, 7);
    pen.fill();
    pen.lineWidth = 1;
    pen.strokeStyle = hollow ? palette.paper : colour;
    pen.stroke();
  }
  if (state === "broken") badge(pen, 25, 7, palette.bad, palette.paper, () => cross(pen, 25, 7, 2.6, palette.bad));
  if (state === "taking-over") {
    badge(pen, 25, 7, colour, palette.paper, () => {
      pen.beginPath();
      pen.moveTo(22, 7);
      pen.lineTo(28, 7);
      pen.moveTo(25.6, 4.6);
      pen.lineTo(28, 7);
      pen.lineTo(25.6, 9.4);
      pen.lineWidth = 1.7;
      pen.strokeStyle = colour;
      pen.stroke();
    });
  }
  return picture(pen);
}

function incident(palette, level) {
  const pen = canvas(34, 42);
  const look = { MAJOR: ["#b3160f", "#ffffff"], LOCAL: ["#ffb224", "#3a2200"], DEMAND: ["#1c5fa8", "#ffffff"] }[level] ?? ["#5a6d79", "#ffffff"];
  pen.beginPath();
  pen.moveTo(17, 41);
  pen.bezierCurveTo(13, 32, 3, 27, 3, 16);
  pen.arc(17, 16, 14, Math.PI, 0);
  pen.bezierCurveTo(31, 27, 21, 32, 17, 41);
  pen.closePath();
  pen.fillStyle = look[0];
  pen.fill();
  pen.lineWidth = 2;
  pen.strokeStyle = palette.halo;
  pen.stroke();
  written(pen, "!", 17, 17, look[1], 19, 800);
  return picture(pen);
}

function badge(pen, x, y, edge, fill, inside) {
  pen.beginPath();
  pen.arc(x, y, 6, 0, 7);
  pen.fillStyle = fill;
  pen.fill();
  pen.lineWidth = 1.5;
  pen.strokeStyle = edge;
  pen.stroke();
  inside();
}

function cross(pen, x, y, reach, colour) {
  pen.beginPath();
  pen.moveTo(x - reach, y - reach);
  pen.lineTo(x + reach, y + reach);
  pen.moveTo(x + reach, y - reach);
  pen.lineTo(x - reach, y + reach);
  pen.lineWidth = 2;
  pen.lineCap = "round";
  pen.strokeStyle = colour;
  pen.stroke();
}

function written(pen, text, x, y, colour, size, weight = 700) {
  pen.font = `${weight} ${size}px ${family}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = colour;
  pen.fillText(text, x, y);
}
