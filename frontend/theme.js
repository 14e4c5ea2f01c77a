// Runs before the first paint: light, dark, or what the system says. The choice stays in this browser.
const system = window.matchMedia("(prefers-color-scheme: dark)");

export function chosenTheme() {
  try {
    return localStorage.getItem("changbei-theme") || "auto";
  } catch {
    return "auto"; // storage can be forbidden
  }
}

function apply() {
  const choice = chosenTheme();
  document.documentElement.dataset.bsTheme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
}

apply();
system.addEventListener("change", apply);
document.addEventListener("changbei:theme", apply);
