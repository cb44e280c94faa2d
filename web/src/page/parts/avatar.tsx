/** A round initial whose colour comes from the user's id: the same person has the same colour everywhere. */
export function Avatar({ id, nickname }: { id: string; nickname: string }) {
  return (
    <span class="avatar" style={{ "--hue": String(hueOf(id)) }} aria-hidden="true">
      {initialOf(nickname)}
    </span>
  );
}

/** A hue in degrees. Steps of 25 keep neighbours apart; yellow-greens, which read badly, are left out. */
export function hueOf(id: string): number {
  let hash = 2166136261;
  for (let index = 0; index < id.length; index += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 16777619);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 2246822507);
  hash = Math.imul(hash ^ (hash >>> 13), 3266489909);
  const step = ((hash ^ (hash >>> 16)) >>> 0) % 12;
  return (150 + step * 25) % 360;
}

function initialOf(nickname: string): string {
  const [first] = new Intl.Segmenter().segment(nickname);
  return (first?.segment ?? "?").toLocaleUpperCase();
}
