// Where the phone is: once for a breakdown, and again and again while the driver shares it.
const EXACT = { enableHighAccuracy: true, timeout: 10_000, maximumAge: 20_000 };
let watch = null;

/** Longitude, latitude, accuracy in metres and the phone's time; null when it does not say. */
export function whereNow() {
  return new Promise((done) => {
    if (!navigator.geolocation) return done(null);
    navigator.geolocation.getCurrentPosition((found) => done(told(found)), () => done(null), EXACT);
  });
}

export function follow(tell) {
  if (watch === null && navigator.geolocation) {
    watch = navigator.geolocation.watchPosition((found) => tell(told(found)), () => {}, EXACT);
  }
}

export function stopFollowing() {
  if (watch !== null) navigator.geolocation.clearWatch(watch);
  watch = null;
}

function told({ coords, timestamp }) {
  const at = new Date(timestamp || Date.now()).toISOString();
  return { longitude: coords.longitude, latitude: coords.latitude, accuracy: Math.round(coords.accuracy), at };
}
