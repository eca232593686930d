// A link that holds a text: `#1` and deflated JSON in base64url.

const VERSION = "#1";
const LONGEST = 1 << 20; // bytes of an unpacked link

/** The bytes that leave a stream. Throws once there are more than allowed. */
async function through(stream, bytes, most = Infinity) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    length += value.length;
    if (length > most) {
      reader.cancel().catch(() => {});
      throw new Error("too long");
    }
    parts.push(value);
  }
}

export async function packed(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const deflated = await through(new CompressionStream("deflate-raw"), bytes);
  const binary = Array.from(deflated, (byte) => String.fromCharCode(byte)).join("");
  return VERSION + btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The state of a link, or null where there is none. Throws for a damaged one. */
export async function unpacked(hash) {
  if (!hash.startsWith(VERSION)) return null;
  const base64 = hash.slice(VERSION.length).replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const inflated = await through(new DecompressionStream("deflate-raw"), bytes, LONGEST);
  const { text, example, values } = JSON.parse(new TextDecoder().decode(inflated));
  if (typeof text !== "string") throw new Error("no text");
  const texts = Object.entries(values ?? {}).filter(([, value]) => typeof value === "string");
  return { text, example: String(example ?? ""), values: Object.fromEntries(texts) };
}
