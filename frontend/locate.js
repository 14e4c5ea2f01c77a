// <button type="button" data-locate data-latitude="#id_latitude" data-longitude="#id_longitude" data-status="#where">
// asks the phone for its position (WGS 84) and tells the map of the page by the event changbei:located.
import { say } from "./texts.js";

export function startLocating() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-locate]");
    if (button) locate(button);
  });
}

function locate(button) {
  const status = document.querySelector(button.dataset.status ?? "") ?? document.createElement("p");
  const refuse = () => {
    status.textContent = say("locationDenied");
    button.removeAttribute("aria-busy");
  };
  if (!navigator.geolocation) return refuse();
  button.setAttribute("aria-busy", "true");
  status.textContent = say("locating");
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      button.removeAttribute("aria-busy");
      write(button.dataset.latitude, coords.latitude.toFixed(6));
      write(button.dataset.longitude, coords.longitude.toFixed(6));
      status.textContent = say("located", { metres: Math.round(coords.accuracy) });
      const detail = { latitude: coords.latitude, longitude: coords.longitude };
      document.dispatchEvent(new CustomEvent("changbei:located", { detail }));
    },
    refuse,
    { enableHighAccuracy: true, timeout: 15_000, maximumAge: 30_000 },
  );
}

function write(selector, value) {
  const input = selector && document.querySelector(selector);
  if (!input) return;
  input.value = value;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}
