// Everything that runs on every page. Pages are complete without it, apart from what only a script can do.
import Alpine from "@alpinejs/csp";
import "./htmx.js";
import { startBanners } from "./banners.js";
import { startClock } from "./clock.js";
import { startCopying } from "./copy.js";
import { startDialogs } from "./dialogs.js";
import { forgetOthers } from "./driver/store.js";
import { startForms } from "./forms.js";
import { startLeaving } from "./leaving.js";
import { startLive } from "./live.js";
import { startLocating } from "./locate.js";
import { startMenus } from "./menus.js";
import { startPhotos } from "./photos.js";
import { startPushing } from "./push.js";
import { startToasts } from "./toasts.js";

for (const start of [startClock, startCopying, startToasts, startBanners, startDialogs, startLeaving, startForms, startLive, startLocating, startMenus, startPhotos, startPushing]) {
  start();
}
forgetOthers().catch(() => {}); // a browser that keeps nothing
window.Alpine = Alpine;
Alpine.start();
