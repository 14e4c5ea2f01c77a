// Bundles the page scripts and styles, and copies fonts and icons, into the folder given as the only argument.
// Called by scripts/build_front.py, which installs the packages first and swaps the finished folder into place.
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(here, "..", "node_modules");
const out = process.argv[2];
if (!out) throw new Error("usage: build.mjs OUTPUT-FOLDER");

const shared = {
  bundle: true,
  minify: true,
  legalComments: "linked",
  target: ["chrome109", "firefox115", "safari16.4"],
  logLevel: "warning",
};

// No code splitting and no source maps: every built file stands alone under the one name that templates use.
async function scripts() {
  await build({
    ...shared,
    format: "iife",
    entryPoints: { app: join(here, "app.js"), driver: join(here, "driver.js"), theme: join(here, "theme.js") },
    outdir: out,
  });
  await build({
    ...shared,
    format: "esm",
    entryPoints: {
      map: join(here, "map.js"),
      "map-worker": join(packages, "maplibre-gl/dist/maplibre-gl-worker.mjs"),
    },
    outdir: out,
  });
}

async function styles() {
  await build({
    ...shared,
    entryPoints: { app: join(here, "css/app.css"), map: join(here, "css/map.css") },
    outdir: out,
    loader: { ".woff2": "file", ".svg": "dataurl" },
    assetNames: "webfonts/[name]",
  });
}

// One <symbol> per icon that the product uses; a name the icon package does not have stops the build.
async function icons() {
  const names = JSON.parse(await readFile(join(here, "icons.json"), "utf8"));
  const symbols = [];
  for (const name of names) {
    const [style, base] = name.endsWith("-filled") ? ["filled", name.slice(0, -7)] : ["outline", name];
    const svg = await readFile(join(packages, `@tabler/icons/icons/${style}/${base}.svg`), "utf8");
    const shapes = svg
      .replace(/<!--[\s\S]*?-->/g, "")
      .replace(/^[\s\S]*?<svg[^>]*>/, "")
      .replace(/<\/svg>\s*$/, "")
      .replace(/\s*\n\s*/g, "");
    const paint =
      style === "filled"
        ? 'fill="currentColor"'
        : 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"';
    symbols.push(`<symbol id="${name}" viewBox="0 0 24 24" ${paint}>${shapes}</symbol>`);
  }
  await writeFile(
    join(out, "icons.svg"),
    `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`,
  );
}

// Whole font files for documents (PDF): Python reads them, no page loads them.
async function documentFonts() {
  const source = join(packages, "@expo-google-fonts/noto-sans-sc");
  await mkdir(join(out, "fonts"), { recursive: true });
  await copyFile(join(source, "400Regular/NotoSansSC_400Regular.ttf"), join(out, "fonts/NotoSansSC-Regular.ttf"));
  await copyFile(join(source, "700Bold/NotoSansSC_700Bold.ttf"), join(out, "fonts/NotoSansSC-Bold.ttf"));
  await copyFile(join(source, "LICENSE_FONT"), join(out, "fonts/LICENSE.txt"));
}

// The server hands out the compressed neighbour of a file when the browser takes it.
async function compressed() {
  const squeeze = promisify(brotliCompress);
  const names = (await readdir(out)).filter((name) => /\.(js|css|svg)$/.test(name));
  await Promise.all(
    names.map(async (name) => {
      const content = await readFile(join(out, name));
      const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } };
      await writeFile(join(out, `${name}.br`), await squeeze(content, options));
    }),
  );
}

await mkdir(out, { recursive: true });
await Promise.all([scripts(), styles(), icons(), documentFonts()]);
await compressed();
