// Menus are <details class="cb-menu">: one open at a time, closed by a click elsewhere or Escape. Also the theme switch and “back”.
import { chosenTheme } from "./theme.js";

export function startMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(".cb-menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    if (event.target.closest("[data-back]")) history.back();
    const theme = event.target.closest("[data-theme-set]");
    if (theme) setTheme(theme.dataset.themeSet);
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector(".cb-menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  showTheme();
}

function setTheme(choice) {
  try {
    localStorage.setItem("changbei-theme", choice);
  } catch {
    return; // storage can be forbidden
  }
  document.dispatchEvent(new CustomEvent("changbei:theme"));
  showTheme();
}

function showTheme() {
  for (const button of document.querySelectorAll("[data-theme-set]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeSet === chosenTheme()));
  }
}
