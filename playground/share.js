// A link that holds a text: `#1` and deflated JSON in base64url.

const VERSION = "#1";
const LONGEST = 1 << 20; // characters of an unpacked link

async function through(stream, bytes) {
  const piped = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
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
  const inflated = await through(new DecompressionStream("deflate-raw"), bytes);
  if (inflated.length > LONGEST) throw new Error("too long");
  const { text, example, values } = JSON.parse(new TextDecoder().decode(inflated));
  if (typeof text !== "string") throw new Error("no text");
  return { text, example: String(example ?? ""), values: Object(values) };
}
