// {% field form.photos %} with a FileInput that accepts images writes <input data-photos="#previews">: shows what was taken and shrinks it before it
// is sent, so that it also gets through on a bad line. With data-photos-original the files go out byte for byte.
import { say } from "./texts.js";
import { toast } from "./toasts.js";

const LONGEST_SIDE_PIXELS = 1920;
const JPEG_QUALITY = 0.85;

export function startPhotos() {
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("input[type=file][data-photos]")) take(event.target);
  });
}

async function take(input) {
  const form = input.closest("form");
  form?.setAttribute("aria-busy", "true");
  const kept = input.hasAttribute("multiple") ? (input.takenPhotos ?? []) : [];
  for (const file of [...input.files]) {
    const photo = await prepared(file, input.hasAttribute("data-photos-original"));
    if (photo) kept.push(photo);
    else toast(say("photoUnreadable", { name: file.name }), "bad");
  }
  keep(input, kept);
  form?.removeAttribute("aria-busy");
}

async function prepared(file, original) {
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return null;
  }
  const scale = Math.min(1, LONGEST_SIDE_PIXELS / Math.max(picture.width, picture.height));
  if (original || (scale === 1 && file.type === "image/jpeg" && file.size < 600_000)) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  const smaller = await new Promise((done) => canvas.toBlob(done, "image/jpeg", JPEG_QUALITY));
  if (!smaller || smaller.size >= file.size) return file;
  return new File([smaller], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg", lastModified: file.lastModified });
}

function keep(input, files) {
  const holder = new DataTransfer();
  files.forEach((file) => holder.items.add(file));
  input.takenPhotos = files;
  input.files = holder.files;
  const shelf = document.querySelector(input.dataset.photos);
  shelf?.querySelectorAll("img").forEach((image) => URL.revokeObjectURL(image.src));
  shelf?.replaceChildren(...files.map((file) => preview(input, files, file)));
}

function preview(input, files, file) {
  const box = document.createElement("div");
  box.className = "cb-photo";
  const image = document.createElement("img");
  image.src = URL.createObjectURL(file);
  image.alt = file.name;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.textContent = "×";
  remove.setAttribute("aria-label", say("photoRemove"));
  remove.addEventListener("click", () => keep(input, files.filter((other) => other !== file)));
  box.append(image, remove);
  return box;
}
