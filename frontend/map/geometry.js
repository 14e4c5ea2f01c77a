// Rings of a drawn area. Positions are [longitude, latitude].

/** A GeoJSON polygon from at least three corners, counter-clockwise and closed as RFC 7946 asks; else null. */
export function closedRing(corners) {
  if (corners.length < 3) return null;
  const ring = area(corners) < 0 ? [...corners].reverse() : [...corners];
  return { type: "Polygon", coordinates: [[...ring, ring[0]]] };
}

/** The corners of a GeoJSON polygon, without the last one that repeats the first. */
export function openRing(polygon) {
  return polygon.coordinates[0].slice(0, -1);
}

function area(corners) {
  return corners.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = corners[(i + 1) % corners.length];
    return sum + (x * nextY - nextX * y);
  }, 0);
}
